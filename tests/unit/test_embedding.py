"""Embedding: one vector a galaxy, the same alone and in company; baselines; tables; steps from file to file."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from test_views import PAIR

import fake_maps
from cubespace.errors import CubespaceError
from cubespace.network.data import (
    GalaxyMaps,
    MapFiles,
    Scaling,
    dropped_channels,
    load_maps,
    read_scaling,
    read_space,
    room_for_maps,
)
from cubespace.network.embedding import (
    combine,
    embed,
    embedding_table,
    pooled_pca,
    refuse_collapsed,
    write_embedding,
)
from cubespace.network.encoder import Encoder, weights_digest
from cubespace.network.training import HISTORY, train
from cubespace.network.views import pair_from_settings
from cubespace.spectra.project import STAR
from cubespace.tables import read_table, write_table


@pytest.fixture(scope="module")
def data():
    maps, space, scaling, _ = fake_maps.prepared(9, (12, 12), 3)
    return maps, space, scaling


@pytest.fixture(scope="module")
def network():
    return Encoder(4, seed=1).eval()


def test_vectors_are_unit_medians_with_their_spread():
    rng = np.random.default_rng(0)
    single = rng.random((5, 3, 7)).astype(np.float32)
    vectors, spread = combine(single, "ABC")
    for galaxy in range(3):
        unit = [row / np.sqrt(sum(row**2)) for row in single[:, galaxy].astype(float)]
        median = np.array([sorted(row[i] for row in unit)[2] for i in range(7)])
        median /= np.sqrt(sum(median**2))
        assert np.allclose(vectors[galaxy], median, atol=1e-6)
        assert spread[galaxy] == pytest.approx(np.mean([1 - row @ median for row in unit]), abs=1e-6)


def test_length_of_a_realisation_does_not_matter():
    single = np.random.default_rng(1).random((4, 2, 6))
    scaled = single * np.array([1, 10, 0.1, 3]).reshape(-1, 1, 1)
    assert np.allclose(combine(single, "AB")[0], combine(scaled, "AB")[0], atol=1e-6)


def test_a_zero_vector_is_refused_by_name():
    single = np.ones((3, 2, 4))
    single[:, 1] = 0
    with pytest.raises(CubespaceError, match="SECOND"):
        combine(single, ["FIRST", "SECOND"])


@pytest.mark.parametrize("preset", ["paper", "best"])
def test_a_galaxy_alone_equals_itself_in_company(data, preset):
    maps, space, scaling = data
    network = Encoder(4, seed=1, settings={"preset": preset}).eval()
    together, spread = embed(network, maps, space, scaling, PAIR, realisations=5)
    assert together.shape == (9, 512) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for index in (0, 4, 8):
        alone, its_spread = embed(network, maps[np.array([index])], space, scaling, PAIR, realisations=5)
        assert np.abs(alone[0] - together[index]).max() < 1e-6
        assert its_spread[0] == pytest.approx(spread[index], abs=1e-6)
    small_batches, _ = embed(network, maps, space, scaling, PAIR, realisations=5, batch=2)
    assert np.abs(small_batches - together).max() < 1e-6


def test_realisations_are_fresh_and_the_first_is_the_original(data, network):
    maps, space, scaling = data
    one, spread = embed(network, maps, space, scaling, PAIR, realisations=1)
    assert np.allclose(spread, 0, atol=1e-6)
    off = PAIR.__class__(PAIR.first, PAIR.first)  # a second view that changes nothing but the sky
    assert np.allclose(one, embed(network, maps, space, scaling, off, realisations=1)[0])
    many, spread = embed(network, maps, space, scaling, PAIR, realisations=4)
    assert (spread > 1e-4).all() and not np.allclose(one, many)
    assert np.array_equal(many, embed(network, maps, space, scaling, PAIR, realisations=4)[0])
    assert not np.array_equal(many, embed(network, maps, space, scaling, PAIR, realisations=4, seed=1)[0])


def test_a_network_in_training_mode_or_of_other_channels_is_refused(data):
    maps, space, scaling = data
    with pytest.raises(CubespaceError, match="evaluation"):
        embed(Encoder(4), maps, space, scaling, PAIR)
    with pytest.raises(CubespaceError, match="5 channels"):
        embed(Encoder(5).eval(), maps, space, scaling, PAIR)
    with pytest.raises(CubespaceError, match="realisations"):
        embed(Encoder(4).eval(), maps, space, scaling, PAIR, realisations=0)


def test_no_luminosity_does_not_see_luminosity():
    maps, space, scaling, _ = fake_maps.prepared(4, (12, 12), 3, dropped=dropped_channels("no_luminosity"))
    assert scaling.channels == 3
    network = Encoder(3).eval()
    before, _ = embed(network, maps, space, scaling, PAIR, realisations=1)
    maps.limit = maps.limit + 1.0  # all luminosities ten times larger
    assert np.array_equal(before, embed(network, maps, space, scaling, PAIR, realisations=1)[0])
    with pytest.raises(CubespaceError, match="no_colour"):
        dropped_channels("no_colour")


def test_collapse_is_refused():
    rng = np.random.default_rng(0)
    spread_out = rng.normal(size=(20, 8))
    refuse_collapsed(spread_out / np.linalg.norm(spread_out, axis=1, keepdims=True))
    same = np.repeat([[0.6, 0.8, 0.0]], 5, axis=0)
    with pytest.raises(CubespaceError, match="collapsed"):
        refuse_collapsed(same)
    refuse_collapsed(same[:1])  # one galaxy cannot collapse


def test_pooled_pca_is_the_mean_over_good_spaxels():
    values, mask, limit, _ = fake_maps.survey(5, (12, 12), 3)
    maps = GalaxyMaps.from_arrays(values, mask, limit, np.ones(5), list("ABCDE"))
    mean, sigma = np.array([3.0, 0.5, 0.0, -1.0]), np.array([0.5, 2.0, 1.0, 4.0])
    plain = pooled_pca(maps, Scaling(mean, sigma))
    weighted = pooled_pca(maps, Scaling(mean, sigma, dropped=(0,)), by_luminosity=True)
    for i in range(5):
        good = mask[i] == 0
        scaled = (values[i][:, good] - mean[:, None]) / sigma[:, None]
        assert np.allclose(plain[i], scaled.mean(axis=1), atol=5e-3)
        light = 10.0 ** values[i, 0][good]
        assert np.allclose(weighted[i], (scaled[1:] * light).sum(axis=1) / light.sum(), atol=5e-3)
    assert plain.shape == (5, 4) and weighted.shape == (5, 3)


def test_table_of_an_embedding(tmp_path):
    vectors = np.eye(3, 512, dtype=np.float32)
    roles = ["train", "validation", "embed"]
    frame, columns = embedding_table(list("ABC"), roles, vectors, [0.1, 0.2, 0.3], 7)
    assert list(frame.columns) == [
        "galaxy",
        "role",
        *[f"r{i:03d}" for i in range(512)],
        "spread",
        "n_realisations",
    ]
    assert set(columns) == {f"r{i:03d}" for i in range(512)}
    write_embedding(
        tmp_path / "x.parquet",
        list("ABC"),
        roles,
        vectors,
        [0.1, 0.2, 0.3],
        7,
        {"seed": "4"},
        tmp_path / "x.fits",
    )
    back = read_table(tmp_path / "x.parquet")
    assert back["r001"].dtype == np.float32 and back.loc[1, "r001"] == 1 and back.attrs["meta"]["seed"] == "4"
    from astropy.io import fits

    with fits.open(tmp_path / "x.fits") as hdus:
        assert hdus[1].data["representation"].shape == (3, 512)
        assert np.array_equal(hdus[1].data["representation"], vectors)
        assert list(hdus[1].data["galaxy"]) == list("ABC")


# --- from files ---------------------------------------------------------------------------------------------------

RELEASE = "0123456789abcdef"


def write_maps_file(path, values, mask, limit, release=RELEASE, verdict="accepted", reason="", **cards):
    from astropy.io import fits

    primary = fits.PrimaryHDU(None if values is None else values.astype(np.float32))
    header = {
        "VERDICT": verdict,
        "REASON": reason,
        "DETAIL": "",
        "LLIMIT": limit,
        "PIXSCALE": 2.0,
        "CSREL": release,
        **cards,
    }
    for key, value in header.items():
        if value is not None:
            primary.header[key] = value
    hdus = [primary]
    if values is not None:
        hdus.append(fits.ImageHDU(mask, name="MASK"))
        for name in ("SNR", "ERROR_RATE"):
            hdus.append(fits.ImageHDU(np.ones(mask.shape, np.float32), name=name))
    fits.HDUList(hdus).writeto(path, overwrite=True)


@pytest.fixture
def files(tmp_path):
    """A survey of 14 galaxies on disk (one rejected) as the steps find it."""
    from cubespace.spectra.basis import Basis, write_basis

    values, mask, limit, _ = fake_maps.survey(14, (12, 12), 3)
    names = [f"NGC{i:04d}" for i in range(14)]
    folder = tmp_path / "maps"
    folder.mkdir()
    for i, name in enumerate(names):
        if i == 3:
            write_maps_file(folder / f"{name}.fits", None, None, None, verdict="rejected", reason="truncated")
        else:
            write_maps_file(folder / f"{name}.fits", values[i], mask[i], float(limit[i]))
    roles = ["train"] * 8 + ["validation"] * 4 + ["embed"] * 2
    roster = pd.DataFrame(
        {"galaxy": names, "stem": names, "role": roles, "pointing": names, "redshift": 0.01}
    )
    roster.to_csv(tmp_path / "roster.csv", index=False)
    roster[roster["role"] != "embed"].to_csv(tmp_path / "release.csv", index=False)
    components, mean = fake_maps.spectral_basis(3)
    curve = np.zeros(3, dtype=[("n_components", "i4")])
    basis = Basis(fake_maps.WAVELENGTH, mean, components, np.arange(3, 0, -1.0), curve, {})
    write_basis(
        tmp_path / "basis.fits", basis, window=fake_maps.WINDOW, snr_min=30, cards=[("CSREL", RELEASE, "")]
    )
    good = values.transpose(1, 0, 2, 3)[:, mask == 0]
    sky = [3.0, *(basis.components @ (1 - basis.mean))]
    scaling = {"channel": range(4), "name": ["log_luminosity", "c0", "c1", "c2"], "mean": good.mean(axis=1), "sigma": good.std(axis=1)}
    pd.DataFrame({**scaling, "n": 9, "sky": sky}).to_csv(tmp_path / "scaling.csv", index=False)
    return tmp_path


def test_maps_come_back_as_written(files):
    values, mask, *_ = fake_maps.survey(14, (12, 12), 3)
    rows = read_table(files / "roster.csv")
    maps, rejected = load_maps(files / "maps", rows, release=RELEASE)
    assert rejected == [("NGC0003", "truncated")]
    kept = [i for i in range(14) if i != 3]
    assert maps.names == [f"NGC{i:04d}" for i in kept]
    absolute = maps.values.float().numpy()
    absolute[:, 0] += np.where(maps.good.numpy(), maps.limit.numpy()[:, None, None], 0)
    assert np.abs(absolute - values[kept]).max() < 0.003
    assert np.array_equal(maps.good.numpy(), mask[kept] == 0)
    assert np.array_equal(maps.has_star, ((mask[kept] & STAR) > 0).any(axis=(1, 2)))
    assert np.array_equal(maps.n_good, (mask[kept] == 0).sum(axis=(1, 2)))
    assert float(maps.pixel_scale[0]) == 2.0
    some = maps[np.array([5, 2])]
    assert some.names == [maps.names[5], maps.names[2]] and torch.equal(some.values, maps.values[[5, 2]])
    space, release = read_space(files / "basis.fits")
    assert release == RELEASE and space.mean.shape == (1, 3, 1, 1)
    assert read_scaling(files / "scaling.csv", "no_luminosity").channels == 3


def test_maps_that_do_not_fit_are_mapped_from_a_file_and_train_the_same_network(files, tmp_path):
    rows, scratch = read_table(files / "roster.csv"), tmp_path / "scratch"
    scratch.mkdir()
    space, _ = read_space(files / "basis.fits")
    scaling, pair = read_scaling(files / "scaling.csv"), pair_from_settings({"second": {"resize": [1, 2], "shift": 2}})
    size = 13 * 4 * 12 * 12 * 2
    assert room_for_maps(torch.device("cpu"), 1.5) == 1_500_000_000
    assert size < room_for_maps(torch.device("cpu"))
    fitting, _ = load_maps(files / "maps", rows, room=2 * size, scratch=scratch)
    mapped, rejected = load_maps(files / "maps", rows, room=size - 1, scratch=scratch)
    assert rejected == [("NGC0003", "truncated")] and list(scratch.iterdir()) == []  # the file has no name any more
    lines = Path("/proc/self/maps").read_text().splitlines() if Path("/proc/self/maps").exists() else None
    assert lines is None or sum(str(scratch) in line for line in lines) == 2  # values and good, and of the other set neither
    digests = []
    for maps in (fitting, mapped):
        assert np.array_equal(maps.n_good, fitting.n_good) and np.array_equal(maps.has_star, fitting.has_star)
        assert torch.equal(maps.values, fitting.values) and torch.equal(maps.good, fitting.good)
        assert torch.equal(maps[np.array([4, 1])].values, fitting.values[[4, 1]])
        settings = {"epochs": 1, "steps_per_epoch": 3, "batch": 4, "require_learning": False, "validation_realisations": 1}
        result = train(maps[np.arange(8)], maps[np.arange(8, 13)], space, scaling, pair, settings, log=lambda line: None)
        digests.append(weights_digest(result.network))
    assert digests[0] == digests[1]


def test_faulty_maps_are_named(files):
    values, mask, limit, _ = fake_maps.survey(2, (12, 12), 3)
    folder, rows = files / "maps", read_table(files / "release.csv").iloc[:2]
    path = folder / "NGC0001.fits"
    write_maps_file(path, values[1], mask[1], float(limit[1]), release="another")
    with pytest.raises(CubespaceError, match=r"NGC0001.*another.*0123456789abcdef"):
        load_maps(folder, rows, release=RELEASE)
    write_maps_file(path, values[1], mask[1], None)
    with pytest.raises(CubespaceError, match=r"NGC0001.*LLIMIT"):
        load_maps(folder, rows)
    write_maps_file(path, values[1][:, :-1], mask[1][:-1], 3.0)
    with pytest.raises(CubespaceError, match=r"NGC0001.*shape"):
        load_maps(folder, rows)
    write_maps_file(path, np.where(mask[1] == 0, np.nan, values[1]), mask[1], 3.0)
    with pytest.raises(CubespaceError, match=r"NGC0001.*finite"):
        load_maps(folder, rows)
    write_maps_file(path, values[1], np.full_like(mask[1], 4), 3.0)
    assert load_maps(folder, rows)[1] == [("NGC0001", "no_good_spaxel")]
    with pytest.raises(CubespaceError, match="sigma of channel 1"):
        Scaling([0, 0], [1, 0])


def test_pointings_become_groups(files):
    rows = read_table(files / "release.csv").iloc[:3].copy()
    rows["pointing"] = ["NGC6027", None, "NGC6027"]
    maps, _ = load_maps(files / "maps", rows)
    assert maps.groups.tolist() == [0, 1, 0]


def test_files_come_in_batches_whose_groups_number_the_pointings_of_all(files):
    rows = read_table(files / "roster.csv").iloc[:8].copy()
    rows["pointing"] = ["A", None, "B", "A", "B", None, "C", "A"]  # the fourth is a rejected one
    parts = MapFiles(files / "maps", rows, release=RELEASE, batch=3)
    for _ in range(2):  # as often as needed
        taken = list(parts)
        assert [len(maps) for maps in taken] == [3, 2, 2] and parts.rejected == [("NGC0003", "truncated")]
        assert [maps.groups.tolist() for maps in taken] == [[0, 1, 2], [2, 3], [4, 0]]
    whole, _ = load_maps(files / "maps", rows)
    assert torch.equal(torch.cat([maps.values for maps in taken]), whole.values)
    with pytest.raises(CubespaceError, match="none of the 1 galaxies"):
        list(MapFiles(files / "maps", rows.iloc[3:4]))
    values, mask, *_ = fake_maps.survey(2, (12, 12), 3)
    for name in ("NGC0006", "NGC0007"):
        write_maps_file(files / "maps" / f"{name}.fits", values[1][:, :-1], mask[1][:-1], 3.0)
    with pytest.raises(CubespaceError, match=r"NGC0006.*\(4, 11, 12\).*\(4, 12, 12\)"):
        list(MapFiles(files / "maps", rows, batch=3))


def test_steps_from_maps_to_embedding(files):
    from cubespace.network.invariance import COLUMNS
    from cubespace.steps import baseline, invariance
    from cubespace.steps import embed as embed_step
    from cubespace.steps import train as train_step

    settings = {
        "training": {"epochs": 2, "steps_per_epoch": 2, "precision": "float32", "require_learning": False},
        "views": {"preset": "paper", "second": {"resize": [1, 2], "shift": 2}},
        "embedding": {"realisations": 3},
    }
    common = ["--maps", files / "maps", "--basis", files / "basis.fits", "--scaling", files / "scaling.csv", "--variant", "full",
              "--device", "cpu", "--seed", "4", "--settings", json.dumps(settings)]  # fmt: skip
    common = [str(item) for item in common]
    out = files / "network"
    train_step.main([*common, "--release", str(files / "release.csv"), "--checkpoint", str(files / "checkpoint.pt"), "--maps-memory", "0",  # mapped from a file
                "--weights", str(out / "weights.safetensors"), "--history", str(out / "history.csv"), "--card", str(out / "card.md")])  # fmt: skip
    history = read_table(out / "history.csv")
    assert tuple(history.columns) == HISTORY and len(history) == 2
    card = (out / "card.md").read_text()
    assert "7 galaxies" in card and "NGC0003" in card and RELEASE in card
    assert not (files / "checkpoint.pt").exists()

    table, fits = files / "full.parquet", files / "full.fits"
    roster = ["--roster", str(files / "roster.csv"), "--weights", str(out / "weights.safetensors")]
    embed_step.main([*common, *roster, "--out", str(table), "--fits", str(fits)])
    frame = read_table(table)
    assert list(frame["galaxy"]) == [f"NGC{i:04d}" for i in range(14) if i != 3]
    assert list(frame["role"]) == ["train"] * 7 + ["validation"] * 4 + ["embed"] * 2
    assert frame.attrs["meta"]["release_digest"] == RELEASE and frame.attrs["meta"]["seed"] == "4"
    assert (frame["n_realisations"] == 3).all() and frame.notna().all().all()
    first = table.read_bytes()
    embed_step.main([*common, *roster, "--out", str(table), "--fits", str(fits)])
    assert table.read_bytes() == first

    report = files / "invariance.csv"
    invariance.main([*common, *roster, "--out", str(report)])
    moved = read_table(report)
    assert tuple(moved.columns) == tuple(COLUMNS) and set(moved["method"]) == {"network", "contrastive", "untrained", "pooled_pca"}
    assert (moved["n"] == 13).all() and (moved["n_unseen"] == 6).all()

    tables = [str(files / "baselines" / f"{name}.parquet") for name in ("untrained", "pooled_pca")]
    baseline.main([*common, *roster[:2], "--untrained", tables[0], "--pooled", tables[1]])
    untrained, pooled = (read_table(table) for table in tables)
    assert list(untrained["galaxy"]) == list(pooled["galaxy"]) == list(frame["galaxy"])
    assert "r511" in untrained and "r003" in pooled and "r004" not in pooled
    assert not np.allclose(untrained.filter(regex="^r[0-9]"), frame.filter(regex="^r[0-9]"))

    with pytest.raises(CubespaceError, match=r"weights\.safetensors.*variant"):
        embed_step.main(
            [
                *[a if a != "full" else "no_luminosity" for a in common],
                *roster,
                "--out",
                str(table),
                "--fits",
                str(fits),
            ]
        )


def test_weights_digest_tells_networks_apart():
    assert weights_digest(Encoder(3, seed=0)) != weights_digest(Encoder(3, seed=1))


def test_example_views_are_pairs_with_a_description(files):
    from cubespace.steps import views as views_step

    rows = read_table(files / "release.csv")
    names = list(rows["galaxy"][:3])
    verdicts = "galaxy,verdict\n" + "".join(f"{name},accepted\n" for name in rows["galaxy"])
    (files / "verdicts.csv").write_text(verdicts)
    write_table(rows.assign(morphology="Sc", re_arcsec=1.0), files / "galaxies.parquet")
    settings = json.dumps({"views": {"second": {"resize": [2, 2], "shift": 2}}, "examples": names})
    options = {name: files / f"{name}{end}" for name, end in (("maps", ""), ("galaxies", ".parquet"), ("verdicts", ".csv"), ("basis", ".fits"), ("scaling", ".csv"))}
    arguments = [part for name, path in options.items() for part in (f"--{name}", str(path))]
    views_step.main([*arguments, "--out", str(files / "views.npz"), "--settings", settings, "--seed", "4"])
    with np.load(files / "views.npz") as archive:
        found = dict(archive)
    assert found["original"].shape == found["transformed"].shape == (3, 4, 12, 12)
    assert found["good_original"].sum() > 3 * found["good_transformed"].sum() > 0
    maps, _ = load_maps(files / "maps", read_table(files / "release.csv"))
    index = maps.names.index(found["names"][1])
    assert np.array_equal(found["good_original"][1], maps.good[index].numpy())
    assert all("S/N" in text and "shrunk 2x" in text and "flipped" in text for text in found["description"])


@pytest.mark.parametrize(
    ("sign", "angle", "words"),
    [
        ((1, 1), 30, "turned 30 deg"),
        ((-1, 1), 200, "turned 200 deg, flipped"),
        ((1, -1), 20, "turned 200 deg, flipped"),
    ],
)
def test_a_description_names_the_turn(sign, angle, words):
    from cubespace.network.examples import describe
    from cubespace.network.views import Draws, View

    t = np.radians(angle)
    matrix = np.diag(sign) @ np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    one = Draws(
        np.ones(1),
        matrix[None],
        np.array([False]),
        np.full((1, 1, 3), -1.0),
        np.ones(1, int),
        np.array([[3, 4]]),
        np.ones(1),
        np.ones((1, 2)),
    )
    assert describe(View(rotate=True, shift=5), one, 0, 2.0) == words + ", moved 10 arcsec"
    assert describe(View(), Draws(**{**vars(one), "matrix": np.eye(2)[None]}), 0, 2.0) == "as it is"
