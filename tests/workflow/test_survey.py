"""A small survey, run for real from cubes to summary: files of the contract, rejections, reruns, refusals."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import browser
import numpy as np
import pandas as pd
import promises
import pyarrow.parquet as pq
import pytest
import yaml
from astropy.io import fits
from survey import ROOT, clone, duplicate, make, planned, snakemake, write_config

from cubespace import ledger
from cubespace.audit import audit
from cubespace.figures.registry import FIGURES
from cubespace.tables import read_table, write_table


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """(folder, names of the sound galaxies) of a survey that has been run, in a folder with a blank in its name."""
    folder = tmp_path_factory.mktemp("small survey")
    clone(folder)
    sound = make(folder)
    (folder / "results/maps").mkdir(parents=True)
    (folder / "results/maps/.partial-0-X.fits").write_text("half")  # as a writer leaves it that was killed
    snakemake(folder)
    return folder, sound


def test_what_a_killed_writer_left_is_gone_after_a_run(survey):
    assert list(survey[0].glob("results/**/.partial-*")) == []


def test_rejected_galaxies_are_recorded_and_the_others_go_on(survey):
    folder, sound = survey
    verdicts = read_table(folder / "results/sample/verdicts.csv").set_index("galaxy")
    assert set(verdicts.index) == {*sound, "PAGE", "EMPTY"}
    assert verdicts.loc[["PAGE", "EMPTY"], "verdict"].tolist() == ["rejected", "rejected"]
    assert verdicts.loc[sound, "verdict"].eq("accepted").all()
    assert "page.fits.gz" in verdicts.loc["PAGE", "detail"] and "empty" in verdicts.loc["EMPTY", "detail"].lower()
    header = fits.getheader(folder / "results/maps/PAGE.fits")
    assert header["VERDICT"] == "rejected" and header["NAXIS"] == 0
    embedded = read_table(folder / "results/embedding/full.parquet")
    assert sorted(embedded["galaxy"]) == sorted(sound)
    summary = (folder / "results/summary.txt").read_text()
    assert "2 rejected" in summary and "PAGE" in summary


COLUMNS = {
    "sample/galaxies.parquet": "galaxy cube ra dec redshift morphology morphology_detail role pointing log_mass log_age_lw metallicity_lw "
    "log_ew_ha log_ew_ha_cen log_nii_ha_cen log_oiii_hb_cen log_sfr log_sigma_mass re_arcsec re_kpc ellipticity nuclear_class environment",
    "sample/verdicts.csv": "galaxy stage verdict reason detail",
    "space/full/umap.parquet": "galaxy role umap_1 umap_2",
    "space/full/clusters.parquet": "galaxy kmeans_2 kmeans_3 kmeans_4 kmeans_5 gmm_2 gmm_3 gmm_4 gmm_5",
    "space/full/clusters.csv": "k silhouette ari_kmeans_gmm share_kmeans_gmm stability",
    "space/full/neighbours.parquet": "galaxy rank neighbour cosine_distance",
    "space/full/correlations.csv": "component property pearson_r spearman_r p_permutation q_bh n partial_r",
    "space/full/variance.csv": "component explained_variance_ratio cumulative",
    "space/full/probes.csv": "property network untrained pooled_pca",
    "populations/classes.parquet": "galaxy whan bpt nuclear_class environment",
    "populations/comparisons.csv": "a b matched test n_a n_b statistic p_value q_bh p_ks_paper effect ci_low ci_high minimum_detectable_effect",
    "populations/twins.csv": "comparison galaxy_a galaxy_b delta_log_mass morphology",
    "populations/balance.csv": "comparison covariate smd_before smd_after",
    "populations/luminosity_ablation.csv": "clusters common_percent different_percent ci_low ci_high",
    "scorecard.csv": "claim paper truth recovered ci_low ci_high verdict",
    "network/full/history.csv": "epoch train_loss validation_loss learning_rate seconds effective_rank alignment uniformity",
}


@pytest.mark.parametrize("path", COLUMNS)
def test_tables_have_the_columns_of_the_contract_and_no_nan(survey, path):
    file = survey[0] / "results" / path
    assert set(COLUMNS[path].split()) <= set(read_table(file).columns)
    if file.suffix == ".csv":
        assert "nan" not in [cell.casefold() for line in file.read_text().splitlines() for cell in line.split(",")]
        assert json.loads(file.read_text().splitlines()[0].removeprefix("# "))["cubespace_version"]
    else:
        for column in pq.read_table(file).columns:
            assert not any(value != value for value in column.to_pylist()), "NaN"


def test_arrays_have_the_shapes_of_the_contract(survey):
    folder, sound = survey
    results = folder / "results"
    with np.load(results / f"moments/{sound[0]}.npz") as moments:
        assert moments["mean"].shape == (1533,) and moments["scatter"].shape == (1533, 1533)
        assert moments["scatter"].dtype == np.float64 and moments["count"] > 0
        assert moments["wavelength"][[0, -1]].tolist() == [3739.0, 6803.0]
        assert str(moments["verdict"]) == "accepted"
    with fits.open(results / "basis/basis.fits") as basis:
        components = basis["COMPONENTS"].data
        np.testing.assert_allclose(components @ components.T, np.eye(12), atol=1e-10)
        assert len(basis["EIGENVALUES"].data) == 1533
        assert {"WAVELENGTH", "MEAN", "RECONSTRUCTION"} <= {hdu.name for hdu in basis}
    with fits.open(results / f"maps/{sound[0]}.fits") as maps:
        assert maps[0].data.shape == (13, 46, 48) and maps[0].data.dtype.newbyteorder("=") == np.float32
        assert maps["MASK"].data.dtype == np.uint8 and maps["SNR"].data.shape == (46, 48)
        assert np.isfinite(maps[0].data).all()
    embedding = read_table(results / "embedding/full.parquet")
    vectors = embedding[[f"r{i:03d}" for i in range(512)]].to_numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert fits.getdata(results / "embedding/full.fits", 1)["representation"].shape == (len(embedding), 512)


def test_every_figure_is_there(survey):
    for name in FIGURES:
        for suffix in ("png", "pdf"):
            assert (survey[0] / f"results/figures/{name}.{suffix}").stat().st_size > 5000, name


def test_cubes_and_moments_are_larger_than_what_snakemake_compares_by_itself(survey):
    """Else the promise about files copied anew would hold without the profile's limit."""
    for pattern in ("results/mock/cubes/*", "results/moments/MOCK*"):
        assert all(path.stat().st_size > 1_000_000 for path in survey[0].glob(pattern))


@pytest.mark.parametrize("promise", [pytest.param(promise, id=promise["change"][:60]) for promise in promises.PROMISES])
def test_an_edit_reruns_what_is_promised(survey, tmp_path, promise):
    folder, sound = survey
    copy = duplicate(folder, tmp_path / "copy")
    promises.make_edits(copy, promise)
    assert planned(copy) == promises.jobs(promise, {"N": len(sound) + 2, "F": len(sound) + 1, "V": 2})


def test_the_page_of_promises_is_current():
    text = (ROOT / "docs/incremental.md").read_text()
    assert promises.documented(text) == text, "run `make docs`"


def edited(folder, change):
    """Make the edit of the promise with these words in a survey; returns the rules that really ran up to the vectors and the table."""
    promises.make_edits(folder, next(promise for promise in promises.PROMISES if promise["change"] == change))
    text = snakemake(folder, "--", "results/embedding/full.parquet", "results/sample/galaxies.parquet").stdout
    return set(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", text, re.MULTILINE))


def test_a_galaxy_to_embed_joins_the_space_that_is_there(survey, tmp_path):
    folder, _ = survey
    copy = duplicate(folder, tmp_path / "copy")
    assert edited(copy, "A galaxy added with role `embed`") == {"sample", "roster", "simulate", "moments", "maps", "embed"}
    before, after = (read_table(f / "results/embedding/full.parquet").set_index("galaxy") for f in (folder, copy))
    assert set(after.index) == {*before.index, "MOCK0002"}
    pd.testing.assert_frame_equal(after.loc[before.index], before)  # to the last bit
    weights = "results/network/full/weights.safetensors"
    assert (copy / weights).stat().st_mtime_ns == (folder / weights).stat().st_mtime_ns


def test_an_edited_colour_reaches_the_table_and_no_fit(survey, tmp_path):
    folder, _ = survey
    copy = duplicate(folder, tmp_path / "copy")
    assert edited(copy, "A colour in a property table") == {"sample"}
    before, after = (read_table(f / "results/sample/galaxies.parquet").set_index("galaxy") for f in (folder, copy))
    assert after.at["MOCK0012", "g_r"] == 0.61
    changed = (after.drop(columns="g_r") != before.drop(columns="g_r")) & after.drop(columns="g_r").notna()
    assert not changed.any(axis=None)


def test_deleted_results_come_back_to_the_last_bit(survey, tmp_path):
    folder, _ = survey
    copy = duplicate(folder, tmp_path / "copy")
    promises.delete(copy, ["results/moments/MOCK0012.npz", "results/maps/MOCK0012.fits", "results/space/full/clusters.parquet"])
    made = ("results/moments/MOCK0012.npz", "results/maps/MOCK0012.fits", "results/space/full/clusters.parquet")
    snakemake(copy, "--", *made)
    for name in made:
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
    assert planned(copy, "--", "results/embedding/full.parquet") == {}


def test_a_further_seed_adds_trainings_and_touches_nothing_else(survey, tmp_path):
    original, sound = survey
    folder = duplicate(original, tmp_path / "copy")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["network"]["seeds"] = [1]
    write_config(folder, config)
    target = ("results/ensemble/stability.csv", "results/figures/stability.png")
    jobs = planned(folder, "--", *target)
    snakemake(folder, "--", *target)
    again = {f"{rule}_again": 2 for rule in ("train", "embed", "baseline", "invariance", "correlate")}
    assert jobs == again | {"cluster_again": 6, "stability": 1, "figure_stability": 1}  # the untrained of both seeds too
    table = read_table(folder / "results/ensemble/stability.csv")
    assert table["variant"].unique().tolist() == ["full", "no_luminosity"] and table["n_seeds"].eq(2).all()
    shared = table[table["quantity"] == "neighbours"]
    assert shared["network"].between(shared["chance"], 1).all() and (shared["n"] == len(sound)).all()
    seeds = [folder / f"results/{path}.parquet" for path in ("embedding/full", "ensemble/full/seed1/network")]
    main, other = (read_table(path)["r000"] for path in seeds)
    assert not np.allclose(main, other)
    probes = read_table(folder / "results/space/full/probes.csv").set_index("property")
    other = read_table(folder / "results/ensemble/full/seed1/probes.csv").set_index("property")
    mass = table[(table["variant"] == "full") & (table["of"] == "log_mass")].iloc[0]
    assert mass["network"] == pytest.approx((probes.at["log_mass", "network"] + other.at["log_mass", "network"]) / 2)
    assert mass["pooled_pca"] == pytest.approx(probes.at["log_mass", "pooled_pca"])


def test_two_runs_with_one_seed_give_equal_tables(survey, tmp_path):
    """Everything from the maps on, computed again elsewhere from the same cubes."""
    folder, _ = survey
    again = tmp_path / "again"
    clone(again)
    make(again)
    (again / "results/mock").parent.mkdir()
    (again / "results/mock").symlink_to(folder / "results/mock")
    targets = [f"results/{path}" for path in COLUMNS if not path.endswith("history.csv")]
    snakemake(again, "--rerun-triggers", "mtime", "--", *targets)
    made = [f"results/{kind}" for v in ("full", "no_luminosity") for kind in (f"network/{v}/weights.safetensors", f"embedding/{v}.parquet")]
    for path in made + targets:
        assert (again / path).read_bytes() == (folder / path).read_bytes(), path
    history = [read_table(f / "results/network/full/history.csv").drop(columns="seconds") for f in (folder, again)]
    pd.testing.assert_frame_equal(*history)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampel": {}}, "unknown key 'sampel' (did you mean 'sample'?)"),
        ({"maps": {"canvas": "large"}}, "maps.canvas: found 'large', expected a value of type array"),
        ({"sample.sheet": "nowhere.csv"}, "nowhere.csv: no such file"),
        ({"sample.cubes": "elsewhere/{galaxy}.fits", "mock": None}, "cubes are not there: elsewhere/"),
    ],
)
def test_wrong_settings_are_refused_before_any_job(survey, tmp_path, change, words):
    folder, _ = survey
    config = yaml.safe_load((folder / "config.yaml").read_text())
    for key, value in change.items():
        *parents, last = key.split(".")
        place = config
        for parent in parents:
            place = place[parent]
        place[last] = value
    (tmp_path / "sheet.csv").write_text((folder / "sheet.csv").read_text())
    write_config(tmp_path, config)
    done = snakemake(tmp_path, check=False)
    assert done.returncode != 0 and words in done.stdout, done.stdout
    assert "Traceback" not in done.stdout and not (tmp_path / "results").exists()


def test_a_sheet_without_validation_galaxies_is_refused(survey, tmp_path):
    folder, _ = survey
    (tmp_path / "sheet.csv").write_text((folder / "sheet.csv").read_text().replace("validation", "train"))
    (tmp_path / "config.yaml").write_text((folder / "config.yaml").read_text())
    done = snakemake(tmp_path, check=False)
    assert done.returncode != 0 and "0 galaxies with role validation" in done.stdout


def test_a_catalogue_without_its_column_stops_the_run_before_cubes_are_read(survey, tmp_path):
    folder, _ = survey
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["populations"]["environment"]["groups"][0]["columns"]["members"] = "N_members"
    write_config(tmp_path, config)
    (tmp_path / "sheet.csv").write_text((folder / "sheet.csv").read_text())
    (tmp_path / "bad").symlink_to(folder / "bad")
    done = snakemake(tmp_path, check=False, cores=1)
    said = (tmp_path / "results/logs/classify.log").read_text()
    assert done.returncode != 0 and "groups.csv" in said and "'N_members'" in said and "Traceback" not in said
    assert not list((tmp_path / "results").glob("moments/*")) and len(list((tmp_path / "results").glob("mock/cubes/*"))) <= 1


def test_on_bad_cube_stop_is_an_error_that_names_the_cube(survey, tmp_path):
    folder, _ = survey
    config = yaml.safe_load((folder / "config.yaml").read_text()) | {"on_bad_cube": "stop"}
    write_config(tmp_path, config)
    (tmp_path / "sheet.csv").write_text((folder / "sheet.csv").read_text())
    (tmp_path / "bad").symlink_to(folder / "bad")
    done = snakemake(tmp_path, "--", "results/moments/PAGE.npz", check=False)
    assert done.returncode != 0
    assert "page.fits.gz" in (tmp_path / "results/logs/moments/PAGE.log").read_text()
    assert not (tmp_path / "results/moments/PAGE.npz").exists()


def cubespace(folder, *words):
    """`python -m cubespace` in `folder`; the completed process."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    return subprocess.run([sys.executable, "-m", "cubespace", *words], cwd=folder, env=environment, capture_output=True, text=True)


def test_results_pass_the_audit_and_an_edited_one_does_not(survey):
    folder, sound = survey
    whole = cubespace(folder, "audit", "results")
    assert whole.returncode == 0 and whole.stdout.endswith("sound: all digests match\n"), whole.stdout
    run, records = ledger.read(folder / "results")
    figure = "results/figures/fig03_umap_stellar.png"
    behind = audit(folder / "results", [folder / figure])
    made = {path for record in records for path in record["outputs"]}
    assert {f"results/mock/cubes/{name}.V500.drscube.fits.gz" for name in sound} <= made
    # the chain of a figure ends at what the survey was simulated from, the spoilt cubes, and the sheet and its tables
    assert {"bad/page.fits.gz", "sheet.csv"} <= set(behind.sources)
    assert any(path.endswith("resources/demo/truth.csv") for path in behind.sources)
    assert {job["step"].rpartition(".")[2] for job in records} >= {"simulate", "moments", "basis", "maps", "train", "embed", "umap", "figure"}
    assert run["config"]["survey"] == "mock eCALIFA" and {job["git_commit"] for job in records} == {"under test"}
    table = folder / "results/space/full/umap.parquet"
    before = table.read_bytes()
    write_table(read_table(table).assign(umap_1=0.0), table)
    try:
        edited = cubespace(folder, "audit", figure)
    finally:
        table.write_bytes(before)
    assert edited.returncode == 1 and "changed  results/space/full/umap.parquet" in edited.stdout


def test_a_run_is_a_crate(survey):
    folder, _ = survey
    done = cubespace(folder, "crate")
    assert done.returncode == 0, done.stderr
    graph = json.loads((folder / "results/ro-crate-metadata.json").read_text())["@graph"]
    run = next(entity for entity in graph if entity["@type"] == "CreateAction")
    made = {entity["name"] for entity in graph if {"@id": entity["@id"]} in run["result"]}
    assert {"results/summary.txt", "results/scorecard.csv", "results/embedding/full.parquet"} <= made
    assert cubespace(folder, "audit", "results").returncode == 0  # the crate's own files are no strangers


@pytest.fixture(scope="module")
def guest(survey, tmp_path_factory):
    """(folder, names): the galaxies' cubes, a release of the survey, and nothing else of it."""
    folder, sound = survey
    frozen = cubespace(folder, "freeze", "small")
    assert frozen.returncode == 0, frozen.stderr
    here = tmp_path_factory.mktemp("guest")
    shutil.copy(folder / "releases/small.zip", here)
    (here / "cubes").mkdir()
    for name in sound:
        shutil.copy(folder / f"results/mock/cubes/{name}.V500.drscube.fits.gz", here / "cubes")
    pd.DataFrame({"galaxy": sound, "role": "train"}).to_csv(here / "sheet.csv", index=False)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    sample = {"sheet": "sheet.csv", "cubes": "cubes/{galaxy}.V500.drscube.fits.gz", "tables": config["sample"]["tables"]}
    write_config(here, {"survey": "guests", "release": "small.zip", "sample": sample, "network": {"device": "cpu"}})
    return here, sound


def test_a_release_embeds_galaxies_without_the_survey_to_the_same_vectors(survey, guest):
    (folder, _), (here, names) = survey, guest
    n = len(names)
    assert planned(here) == {"thaw": 1, "sample": 1, "roster": 1, "moments": n, "maps": n, "embed": 2, "verdicts": 1, "quality": 1}
    snakemake(here)
    columns = [f"r{i:03d}" for i in range(512)] + ["spread"]
    for variant in ("full", "no_luminosity"):
        first, again = (read_table(place / f"results/embedding/{variant}.parquet").set_index("galaxy") for place in (folder, here))
        assert list(again.index) == names and set(again["role"]) == {"embed"}
        for name in names:
            assert again.loc[name, columns].to_numpy(np.float32).tobytes() == first.loc[name, columns].to_numpy(np.float32).tobytes()
    assert planned(here) == {}
    done = cubespace(here, "audit", "results/embedding/full.parquet")
    assert done.returncode == 0, done.stdout
    behind = audit(here / "results", [here / "results/embedding/full.parquet"]).sources
    assert set(behind) == {"small.zip", *(f"cubes/{name}.V500.drscube.fits.gz" for name in names)}


def test_a_release_that_was_tampered_with_stops_the_run(guest, tmp_path):
    here, _ = guest
    for name in ("sheet.csv", "config.yaml"):
        shutil.copy(here / name, tmp_path)
    (tmp_path / "cubes").symlink_to(here / "cubes")
    with zipfile.ZipFile(here / "small.zip") as whole, zipfile.ZipFile(tmp_path / "small.zip", "w") as other:
        for name in whole.namelist():
            content = whole.read(name)
            other.writestr(name, content.replace(b"log_luminosity", b"log_luminosit_") if name.endswith("scaling.csv") else content)
    done = snakemake(tmp_path, "--", "results/basis/scaling.csv", check=False)
    said = (tmp_path / "results/logs/thaw.log").read_text()
    assert done.returncode != 0 and not (tmp_path / "results/basis/scaling.csv").exists()
    assert re.search(r"error: release: small\.zip: basis/scaling\.csv: SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}: not the file that was frozen", said)
    config = yaml.safe_load((here / "config.yaml").read_text())
    write_config(tmp_path, config | {"seed": 8})
    refused = snakemake(tmp_path, "-n", check=False)
    assert refused.returncode != 0 and "made with other settings: seed: found 8, expected 7" in refused.stdout


def test_the_report_opens_in_a_browser(survey, tmp_path):
    folder, _ = survey
    browser.chromium()  # skip before the work
    snakemake(folder, "--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        archive.extractall(tmp_path)
    (page,) = tmp_path.glob("**/report.html")
    found = browser.visit(page, ["Statistics", "Sample", "Results", "Scorecard"], tmp_path)
    assert found["faults"] == [] and found["requests"] == []
    start = found["seen"]["start"]
    assert start["drawings"] >= 1  # the graph of the rules
    for words in ("one run of cubespace on the survey mock eCALIFA", "Workflow", "Sample", "Network", "Embedding", "Space", "Populations", "Scorecard"):
        assert words in start["text"]
    assert found["seen"]["Statistics"]["drawings"] > start["drawings"]  # run times of the rules
    links = {name: [page.parent / link for link in seen["links"] if link.startswith("data/")] for name, seen in found["seen"].items()}
    verdicts = read_table(next(link for link in links["Sample"] if link.name == "verdicts.csv")).set_index("galaxy")
    assert verdicts.loc["PAGE", "verdict"] == "rejected" and "verdicts" in found["seen"]["Sample"]["text"]
    scores = read_table(next(link for link in links["Scorecard"] if link.name == "scorecard.csv"))
    assert len(scores) > 5 and "scorecard" in found["seen"]["Scorecard"]["text"].casefold()
    assert "quality of the cubes" in found["seen"]["Sample"]["text"]
    (quality_page,) = page.parent.glob("data/raw/*/index.html")
    quality = browser.visit(quality_page, [], tmp_path)
    assert quality["faults"] == [] and quality["requests"] == []
    assert "PAGE" in quality["seen"]["start"]["text"] and "rejected" in quality["seen"]["start"]["text"]


def test_a_page_with_faults_is_seen_through(tmp_path):
    (tmp_path / "page.html").write_text(
        '<html><head></head><body>Hello<script>nothing.at.all()</script><img src="https://example.org/x.png"></body></html>'
    )
    found = browser.visit(tmp_path / "page.html", ["Elsewhere"], tmp_path)
    assert any("nothing is not defined" in fault for fault in found["faults"]) and "nothing to click: Elsewhere" in found["faults"]
    assert "https://example.org/x.png" in found["requests"] and found["seen"]["start"]["text"].strip() == "Hello"
