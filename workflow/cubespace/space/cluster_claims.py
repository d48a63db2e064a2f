"""The paper's claims about clusters of the representation (sec. 4.2), held against the truth where there is one."""

import numpy as np
import pandas as pd

from cubespace.claims import claim
from cubespace.morphology import BINS, bin_index
from cubespace.realised import realised
from cubespace.space.clusters import common_share
from cubespace.space.green_valley import LIMITS, best_cluster, in_valley, recovery
from cubespace.space.neighbours import pointing_codes
from cubespace.space.resampling import resampled_groups

EW_SPLIT = 6.0  # Angstrom; galaxies with more are star-forming
KINDS = (  # types of the paper's four clusters, by rising specific star formation rate
    ("E", "S0"),
    ("Sa", "Sb"),
    ("Sb", "Sc"),
    ("Sc", "Sd", "I", "BCD"),
)


def _joined(clusters, galaxies, classes):
    frame = clusters.merge(
        galaxies[[c for c in galaxies if c == "galaxy" or c not in clusters]], on="galaxy", how="left"
    )
    return frame.merge(classes[["galaxy", *[c for c in classes if c not in frame]]], on="galaxy", how="left")


def _column(frame, name):
    return pd.to_numeric(frame[name]).to_numpy(float) if name in frame else np.full(len(frame), np.nan)


def _exact(truth, name, galaxies):
    """(n,) what the mock realises of a property, or what was drawn; None without such a column."""
    table = None if truth is None else realised(truth)
    if table is None or name not in table:
        return None
    rows = table.drop_duplicates("galaxy").set_index("galaxy")[name]
    return pd.to_numeric(rows.reindex(galaxies)).to_numpy(float)


def cluster_claims(clusters, galaxies, classes, truth, n_bootstrap, seed):
    """Two clusters are the red sequence and the blue cloud; three add a green valley, rich in AGN; four go along the
    Hubble sequence."""
    frame = _joined(clusters, galaxies, classes)
    names, groups = frame["galaxy"], _pointings(frame)
    ew = _exact(truth, "log_ew_ha", names)
    rows = [two_clusters(_column(frame, "kmeans_2"), _column(frame, "log_ew_ha"), ew, groups, n_bootstrap, seed)]
    rates = [_exact(truth, name, names) for name in ("log_sfr_young", "log_mass")]  # what old stars excite is no star formation
    known = all(rate is not None for rate in rates)
    sfr, mass = rates if known else (_column(frame, "log_sfr"), _column(frame, "log_mass"))
    rows.append(valley_recovered(_column(frame, "kmeans_3"), sfr, mass, groups, known, n_bootstrap, seed))
    members, note = three_clusters(frame)
    rows.append(green_valley(frame, members, note, n_bootstrap, seed))
    rows.append(active_valley(frame, members, note, n_bootstrap, seed))
    rows.append(four_clusters(_column(frame, "kmeans_4"), _types(frame), sfr - mass, groups, known, n_bootstrap, seed))
    return rows


def _pointings(frame):
    """(n,) pointing codes: galaxies of one are drawn together in every interval."""
    return pointing_codes(frame["pointing"] if "pointing" in frame else frame["galaxy"])


def _resampled(members, groups, n_bootstrap, rng):
    """For each resample of pointings the rows drawn of each of `members` (list of row arrays), those without any left out."""
    for count in resampled_groups(groups, n_bootstrap, rng).astype(int):
        drawn = [np.repeat(rows, count[rows]) for rows in members]
        if all(len(rows) for rows in drawn):
            yield drawn


def two_clusters(label, ew, exact, groups, n_bootstrap, seed):
    """`label`, `ew` and the true `ew` (or None): (n,) arrays, nan = missing; `groups`: (n,) pointing codes."""
    head = {
        "text": "two clusters are the red sequence and the blue cloud",
        "criterion": f"share of galaxies on the same side of EW(Ha) = {EW_SPLIT:g} A after matching >= 0.85, "
        "and its interval above what one cluster alone would reach",
        "paper": "natural division",
    }
    known, limit = np.isfinite(ew) & np.isfinite(label), np.log10(EW_SPLIT)
    if known.sum() < 10 or len(set(ew[known] > limit)) < 2:
        return claim(**head, note=f"{int(known.sum())} galaxies with EW(Ha), or all on one side")
    rng = np.random.default_rng([seed, 81])
    share, low, high = common_share(label[known], ew[known] > limit, n_bootstrap, rng, groups[known])
    alone = max(np.mean(ew[known] > limit), np.mean(ew[known] <= limit))
    real = ""
    if exact is not None and (there := known & np.isfinite(exact)).any():
        real = f"{common_share(label[there], exact[there] > limit, 0)[0]:.3f} with the true EW"
    return claim(
        **head,
        truth=real,
        recovered=share,
        interval=(low, high),
        verdict=share >= 0.85 and low > alone,
        note=f"{int(known.sum())} galaxies; one cluster alone would reach {alone:.2f}",
    )


def valley_recovered(label, log_sfr, log_mass, groups, exact, n_bootstrap, seed):
    """Is one of three clusters the green valley, that is log sSFR between `LIMITS`?

    label, log_sfr, log_mass : (n,), nan = missing; groups : (n,) pointing codes; `exact`: the rates are the mock's truth.
    """
    head = {
        "text": "one of three clusters is the green valley",
        "criterion": f"log sSFR/yr from {LIMITS[0]:g} to {LIMITS[1]:g}: F1 of the best cluster (harmonic mean of completeness and purity) "
        ">= 0.5 and beyond chance (permutation p < 0.05), and its median sSFR between those of the other two",
        "paper": "green valley",
    }
    inside, known = in_valley(log_sfr, log_mass)
    known &= np.isfinite(label)
    own, green = label[known].astype(int), inside[known]
    kinds, counts = np.unique(own, return_counts=True)
    if len(kinds) < 3 or counts.min() < 5 or not 5 <= green.sum() < len(green):
        note = f"{len(kinds)} clusters, the smallest of {counts.min(initial=0)} galaxies, {int(green.sum())} in the valley"
        return claim(**head, note=note)
    row = recovery({"k": own}, log_sfr[known], log_mass[known], groups[known], seed=seed).iloc[0]
    ssfr = (log_sfr - log_mass)[known]
    order = sorted(kinds, key=lambda kind: np.median(ssfr[own == kind]))
    rng = np.random.default_rng([seed, 86])
    everyone = [np.arange(len(own))]
    draws = [best_cluster(own[rows], green[rows])[1] for rows, in _resampled(everyone, groups[known], n_bootstrap, rng)]
    verdict = row["f1"] >= 0.5 and row["p_permutation"] < 0.05 and row["cluster"] == order[1]
    return claim(
        **head,
        truth=f"{int(green.sum())} of {len(green)} galaxies in the valley" if exact else "",
        recovered=row["f1"],
        interval=tuple(np.quantile(draws, [0.025, 0.975])),
        verdict=bool(verdict),
        note=f"completeness {row['completeness']:.2f}, purity {row['purity']:.2f} (chance {row['chance']:.2f}), p {row['p_permutation']:.3f}; "
        f"the best cluster is number {order.index(row['cluster']) + 1} of 3 by sSFR",
    )


def three_clusters(frame):
    """Rows of the three k-means clusters by rising median EW(Ha), or None and the reason."""
    label, ew = _column(frame, "kmeans_3"), _column(frame, "log_ew_ha")
    known = np.isfinite(
        np.column_stack([label, ew, _column(frame, "log_sfr"), _column(frame, "log_mass"), _types(frame)])
    )
    label = np.where(known.all(axis=1), label, np.nan)
    kinds, counts = np.unique(label[np.isfinite(label)], return_counts=True)
    if len(kinds) < 3 or counts.min() < 5:
        smallest = int(counts.min(initial=0))
        return (
            None,
            f"{len(kinds)} clusters with EW(Ha), SFR, mass and type, the smallest of {smallest} galaxies",
        )
    order = sorted(kinds, key=lambda kind: np.median(ew[label == kind]))
    return [np.flatnonzero(label == kind) for kind in order], ""


def _types(frame):
    if "morphology" not in frame:
        return np.full(len(frame), np.nan)
    return np.array([bin_index(None if pd.isna(v) else v) for v in frame["morphology"]], float)


def green_valley(frame, members, note, n_bootstrap, seed):
    """`members`, `note` as from `three_clusters`."""
    head = {
        "text": "three clusters add a population between the red sequence and the blue cloud",
        "criterion": "median sSFR of the cluster of middle EW(Ha) 10 to 90 % of the way between the other two, "
        "and its median type not outside theirs",
        "paper": "green valley",
    }
    if members is None:
        return claim(**head, note=note)
    ssfr, types = _column(frame, "log_sfr") - _column(frame, "log_mass"), _types(frame)
    red, green, blue = (np.median(ssfr[rows]) for rows in members)
    kind = [float(np.median(types[rows])) for rows in members]
    note = "by EW(Ha): median types {:g}, {:g}, {:g} (E = 0 .. BCD = 7)".format(*kind)
    note += ", sizes " + ", ".join(str(len(rows)) for rows in members)
    if not blue > red:
        return claim(
            **head, recovered=blue - red, verdict=False, note="sSFR does not rise with EW(Ha); " + note
        )
    rng, draws = np.random.default_rng([seed, 82]), []
    for drawn in _resampled(members, _pointings(frame), n_bootstrap, rng):
        low, middle, high = (np.median(ssfr[rows]) for rows in drawn)
        draws.append((middle - low) / (high - low) if high > low else np.nan)
    value = (green - red) / (blue - red)
    inside = min(kind[0], kind[2]) <= kind[1] <= max(kind[0], kind[2])
    interval = tuple(np.nanquantile(draws, [0.025, 0.975]))
    return claim(
        **head, recovered=value, interval=interval, verdict=0.1 <= value <= 0.9 and inside, note=note
    )


def active_valley(frame, members, note, n_bootstrap, seed):
    """`members`, `note` as from `three_clusters`."""
    head = {
        "text": "the intermediate cluster holds the largest share of AGN and LINERs",
        "criterion": "share of AGN and LINERs there minus that elsewhere > 0; undecided if the interval holds 0",
        "paper": "significant proportion",
    }
    if members is None:
        return claim(**head, note=note)
    kind = frame["nuclear_class"] if "nuclear_class" in frame else pd.Series(None, frame.index, dtype=object)
    active = kind.isin(["AGN", "LINER"]).to_numpy(float)
    decided = (kind.notna() & (kind != "undetermined")).to_numpy()
    known = [rows[decided[rows]] for rows in members]
    own, sides = [active[rows] for rows in known], [known[1], np.concatenate([known[0], known[2]])]
    middle, rest = (active[rows] for rows in sides)
    if min(len(middle), len(rest)) < 5:
        return claim(**head, note="fewer than 5 galaxies with a nuclear class on a side")
    rng = np.random.default_rng([seed, 85])
    draws = [
        active[mine].mean() - active[others].mean()
        for mine, others in _resampled(sides, _pointings(frame), n_bootstrap, rng)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    gap = middle.mean() - rest.mean()
    shares = ", ".join(f"{part.mean():.2f}" if len(part) else "-" for part in own)
    verdict = None if low <= 0 <= high else gap > 0
    return claim(
        **head, recovered=gap, interval=(low, high), verdict=verdict, note=f"shares by EW(Ha): {shares}"
    )


def four_clusters(label, types, log_ssfr, groups, exact, n_bootstrap, seed):
    """Make-up of four clusters, ordered by median sSFR: passive E and S0; Sa and Sb; Sb and Sc; the latest types.

    label, types (bin index), log_ssfr : (n,), nan = missing; groups : (n,) pointing codes; `exact`: the rates are the mock's truth.
    """
    kinds = ["/".join(kind) for kind in KINDS]
    head = {
        "text": "four clusters are passive E/S0, Sa/Sb of low sSFR, Sb/Sc of moderate sSFR, and late types of high sSFR",
        "criterion": f"ordered by median sSFR, most galaxies of each are {', '.join(kinds[:3])} and {kinds[3]} "
        "(the smallest of the four shares >= 0.5), and the median type does not become earlier",
        "paper": "four such clusters",
    }
    known = np.isfinite(label) & np.isfinite(types) & np.isfinite(log_ssfr)
    own, kind, ssfr = label[known], types[known].astype(int), log_ssfr[known]
    names, counts = np.unique(own, return_counts=True)
    if len(names) < 4 or counts.min() < 5:
        return claim(**head, note=f"{len(names)} clusters with type and sSFR, the smallest of {counts.min(initial=0)} galaxies")
    order = sorted(names, key=lambda name: np.median(ssfr[own == name]))
    fits = [np.isin(kind, [BINS.index(name) for name in expected]) for expected in KINDS]
    members = [np.flatnonzero(own == name) for name in order]
    share = [fit[rows].mean() for fit, rows in zip(fits, members, strict=True)]
    middle = [float(np.median(kind[rows])) for rows in members]
    rng, draws = np.random.default_rng([seed, 87]), []
    for drawn in _resampled(members, groups[known], n_bootstrap, rng):
        draws.append(min(fit[rows].mean() for fit, rows in zip(fits, drawn, strict=True)))
    low, high = np.quantile(draws, [0.025, 0.975])
    value = float(min(share))
    return claim(
        **head,
        truth="types and sSFR of the mock" if exact else "",
        recovered=value,
        interval=(min(low, value), max(high, value)),
        verdict=value >= 0.5 and bool((np.diff(middle) >= 0).all()),
        note="by sSFR: " + "; ".join(
            f"{name} {one:.2f} of {len(rows)}, median type {at:g}, sSFR {np.median(ssfr[rows]):.1f}"
            for name, one, rows, at in zip(kinds, share, members, middle, strict=True)
        ),
    )  # fmt: skip


def agreement(clusters, galaxies, n_bootstrap, seed):
    """k-means and the mixture agree for two to four clusters and less for five (galaxies of the release)."""
    head = {
        "text": "k-means and a Gaussian mixture agree for two to four clusters",
        "criterion": "smallest share in common for k = 2, 3, 4 >= 0.8",
        "paper": "strikingly similar",
    }
    head_5 = {
        "text": "k-means and a Gaussian mixture diverge for five clusters",
        "criterion": "share in common for k = 5 less than the smallest for k = 2, 3, 4",
        "paper": "different composition",
    }
    release = galaxies[galaxies["role"] != "embed"] if "role" in galaxies else galaxies
    own = clusters[clusters["galaxy"].isin(release["galaxy"])].merge(
        galaxies[[c for c in ("galaxy", "pointing") if c in galaxies]], on="galaxy"
    )
    found = {}
    for k in (2, 3, 4, 5):
        if {f"kmeans_{k}", f"gmm_{k}"} <= set(own.columns) and len(own):
            rng = np.random.default_rng([seed, 83, k])
            found[k] = common_share(own[f"kmeans_{k}"], own[f"gmm_{k}"], n_bootstrap, rng, _pointings(own))
    if not {2, 3, 4} <= set(found):
        return [claim(**each, note="k = 2, 3, 4 not all in the table of clusters") for each in (head, head_5)]
    worst = min((2, 3, 4), key=lambda k: found[k][0])
    least, low, high = found[worst]
    note = ", ".join(f"k={k}: {share:.2f}" for k, (share, _, _) in found.items())
    rows = [claim(**head, recovered=least, interval=(low, high), verdict=least >= 0.8, note=note)]
    if 5 not in found:
        return [*rows, claim(**head_5, note="k = 5 not in the table of clusters")]
    drop, low, high = (value - least for value in found[5])
    return [*rows, claim(**head_5, recovered=drop, interval=(low, high), verdict=drop < 0, note=note)]


