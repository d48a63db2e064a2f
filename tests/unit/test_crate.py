"""The crate of a run: what RO-Crate 1.1, Workflow RO-Crate 1.0 and Workflow Run Crate 0.5 ask for with MUST, and the run itself."""

import base64
import json
from pathlib import Path

import pytest

import fake_results
from cubespace.__main__ import main
from cubespace.crate import write_crate
from cubespace.errors import CubespaceError
from cubespace.files import file_digest


@pytest.fixture
def crate(tmp_path, monkeypatch):
    """(document, its entities by identifier) of a made-up run."""
    monkeypatch.chdir(tmp_path)
    fake_results.make(temporary=["results/moments/*.npz"])
    Path("results/moments/B.npz").unlink()
    path = write_crate("results")
    assert path == Path("results/ro-crate-metadata.json")
    document = json.loads(path.read_text())
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])  # identifiers are unique
    return document, entities


def ids(value):
    return {one["@id"] for one in (value if isinstance(value, list) else [value])}


def kinds(entity):
    return {entity["@type"]} if isinstance(entity["@type"], str) else set(entity["@type"])


def test_metadata_file_and_root(crate):
    document, entities = crate
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    descriptor, root = entities["ro-crate-metadata.json"], entities["./"]
    assert kinds(descriptor) == {"CreativeWork"} and ids(descriptor["about"]) == {"./"}
    assert "https://w3id.org/ro/crate/1.1" in ids(descriptor["conformsTo"])
    assert "https://w3id.org/workflowhub/workflow-ro-crate/1.0" in ids(descriptor["conformsTo"])
    assert kinds(root) == {"Dataset"} and root["name"] and root["description"] and len(root["datePublished"]) == 10
    assert ids(root["license"]) <= set(entities)
    assert ids(root["conformsTo"]) >= {f"https://w3id.org/ro/wfrun/{kind}/0.5" for kind in ("process", "workflow")}
    for url in ids(root["conformsTo"]):
        assert kinds(entities[url]) == {"CreativeWork"} and entities[url]["version"] in url


def test_the_licence_of_the_results_is_their_owners(crate):
    _, entities = crate
    assert entities[entities["./"]["license"]["@id"]]["name"] == "not stated"
    main = entities[entities["./"]["mainEntity"]["@id"]]
    assert main["license"]["@id"] == "https://spdx.org/licenses/MIT"
    chosen = "https://spdx.org/licenses/CC-BY-4.0"
    again = {e["@id"]: e for e in json.loads(write_crate("results", chosen).read_text(encoding="utf-8"))["@graph"]}
    assert again["./"]["license"]["@id"] == chosen and again[chosen]["url"] == chosen and "#license" not in again


def test_every_reference_is_to_an_entity_that_is_there(crate):
    def references(value):
        if isinstance(value, dict):
            if set(value) == {"@id"}:
                yield value["@id"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    document, entities = crate
    outside = {"https://w3id.org/ro/crate/1.1", "https://doi.org/10.1093/bioinformatics/bts480"}
    assert set(references([list(e.values()) for e in document["@graph"]])) <= set(entities) | outside


def test_the_workflow_is_the_main_entity(crate):
    _, entities = crate
    (main_id,) = ids(entities["./"]["mainEntity"])
    workflow = entities[main_id]
    assert kinds(workflow) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"} and main_id in ids(entities["./"]["hasPart"])
    assert (Path("results") / main_id).read_bytes() == (Path(__file__).parents[2] / "Snakefile").read_bytes()
    (language,) = ids(workflow["programmingLanguage"])
    assert kinds(entities[language]) == {"ComputerLanguage"} and entities[language]["name"] == "Snakemake"
    assert workflow["license"] and workflow["name"] and workflow["version"]


def test_the_run_is_an_action_of_the_workflow(crate):
    _, entities = crate
    (run_id,) = ids(entities["./"]["mentions"])
    run = entities[run_id]
    assert kinds(run) == {"CreateAction"} and ids(run["instrument"]) == ids(entities["./"]["mainEntity"])
    names = {entities[one]["name"] for one in ids(run["object"])}
    assert names == {"sheet.csv", "cubes/A.fits", "cubes/B.fits", "configuration"}
    made = {entities[one]["name"] for one in ids(run["result"])}
    assert "results/figures/umap.png" in made and len(made) == 20  # of the 21 one was deleted by the workflow
    parameter = entities["#configuration"]
    assert json.loads(parameter["value"]) == fake_results.CONFIG
    (formal,) = ids(parameter["exampleOfWork"])
    assert kinds(entities[formal]) == {"FormalParameter"} and formal in ids(entities[next(iter(ids(run["instrument"])))]["input"])


def test_files_are_there_and_have_their_digests(crate):
    _, entities = crate
    for name in ids(entities["./"]["hasPart"]):
        entity = entities[name]
        assert "File" in kinds(entity)
        if name.startswith("ni:"):  # from outside: named by its content (RFC 6920)
            found = base64.urlsafe_b64decode(name.removeprefix("ni:///sha-256;") + "=").hex()
            assert found == entity["sha256"] == file_digest(entity["name"])
        else:
            assert (Path("results") / name).is_file()
            if "sha256" in entity:
                assert entity["sha256"] == file_digest(Path("results") / name)
                assert entity["contentSize"] == str((Path("results") / name).stat().st_size)
    assert "provenance/figures/umap.png.json" in ids(entities["./"]["hasPart"])  # who made it, from what


def test_a_crate_lacks_no_recorded_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fake_results.make()
    Path("results/maps/A.fits").unlink()
    with pytest.raises(CubespaceError, match=r"not to be handed on as it is(.|\n)*missing +results/maps/A\.fits"):
        write_crate("results")
    Path("results/maps/A.fits").write_text("drawn by hand\n")  # its record has another digest
    with pytest.raises(CubespaceError, match=r"changed +results/maps/A\.fits"):
        write_crate("results")
    assert not Path("results/ro-crate-metadata.json").exists()
    Path("results/provenance/run.json").unlink()
    with pytest.raises(SystemExit, match=r"run\.json: no such file"):
        main(["crate"])
