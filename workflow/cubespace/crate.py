"""A run as a Workflow Run RO-Crate: ro-crate-metadata.json, written from the ledger into the folder of results.

Profiles: Workflow Run Crate 0.5 (with Process Run Crate 0.5) and Workflow RO-Crate 1.0, on RO-Crate 1.1;
https://w3id.org/ro/wfrun/workflow/0.5. Everything in the crate comes from the records of the jobs and the files themselves.
"""

import base64
import json
import mimetypes
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from cubespace import audit
from cubespace.files import atomic, write_text

CRATE = "ro-crate-metadata.json"
PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
LICENSE = "https://spdx.org/licenses/MIT"  # of the workflow; that of results is for their owners to state
UNSTATED = "#license"
WORKFLOW_TYPE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
PARAMETER_TYPE = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
WORKFLOW = "provenance/workflow"  # where the workflow's own files go
_TYPES = {".parquet": "application/vnd.apache.parquet", ".fits": "application/fits", ".gz": "application/gzip", ".md": "text/markdown"}


def write_crate(results, license=None):
    """Write the crate of a run; returns the path of its metadata. `license`: address of that of the results.

    The folder of results becomes the crate: every recorded file in it, the workflow's files (copied to
    provenance/workflow), and the ledger. Files from outside are named by their digest (RFC 6920) and not carried.

    Raises
    ------
    CubespaceError
        There is no record of a run, or the results are not what their ledger says.
    """
    results = Path(results)
    run, records, _ = audit.sound(results)
    made = {path: digest for record in records for path, digest in record["outputs"].items()}
    sources = {path: digest for record in records for path, digest in record["inputs"].items() if path not in made}
    here = {path: digest for path, digest in made.items() if audit.locate(path, results).is_file()}  # but what was temporary
    main, parts = _workflow(results)
    entities = [*_head(run, main, license), *parts]
    inputs = [_file(path, digest, results) for path, digest in sorted(sources.items())]
    outputs = [_file(path, digest, results) for path, digest in sorted(here.items())]
    settings = _settings(run)
    entities += [*inputs, *outputs, *settings, *_ledger(results)]
    entities.append(_action(run, main, [*inputs, *settings], outputs, results))
    root = next(entity for entity in entities if entity["@id"] == "./")
    root["hasPart"] = [{"@id": e["@id"]} for e in entities if "File" in e["@type"] and e["@id"] != CRATE]
    graph = list({entity["@id"]: entity for entity in entities}.values())
    text = json.dumps({"@context": ["https://w3id.org/ro/crate/1.1/context", TERMS], "@graph": graph}, indent=1, ensure_ascii=False)
    write_text(results / CRATE, text + "\n")
    return results / CRATE


def _head(run, main, license):
    """The descriptor, the root, the profiles, and the programs."""
    profiles = [{"@id": url} for url, _, _ in PROFILES]
    survey = run["config"]["survey"]
    yield {
        "@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"},
        "conformsTo": [{"@id": "https://w3id.org/ro/crate/1.1"}, profiles[-1]],
    }  # fmt: skip
    yield {
        "@id": "./", "@type": "Dataset", "conformsTo": profiles, "mainEntity": {"@id": main}, "mentions": {"@id": "#run"},
        "name": f"cubespace: {survey}", "datePublished": datetime.now(UTC).date().isoformat(), "license": {"@id": license or UNSTATED},
        "description": f"Representation of the galaxies of {survey}: cubes, maps, embedding, and what was found in it.",
    }  # fmt: skip
    for url, name, version in PROFILES:
        yield {"@id": url, "@type": "CreativeWork", "name": name, "version": version}
    yield {"@id": LICENSE, "@type": "CreativeWork", "name": "MIT License", "identifier": LICENSE, "url": LICENSE}
    if not license:
        yield {"@id": UNSTATED, "@type": "CreativeWork", "name": "not stated", "description": "Those whose results these are have stated no licence."}
    elif license != LICENSE:
        yield {"@id": license, "@type": "CreativeWork", "name": license, "identifier": license, "url": license}
    yield {
        "@id": "#snakemake", "@type": "ComputerLanguage", "name": "Snakemake", "url": {"@id": "https://snakemake.readthedocs.io"},
        "identifier": {"@id": "https://doi.org/10.1093/bioinformatics/bts480"},
    }  # fmt: skip
    yield {"@id": "https://snakemake.readthedocs.io", "@type": "WebSite", "name": "Snakemake"}
    yield {
        "@id": main, "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"], "name": "cubespace", "version": run["cubespace_version"],
        "programmingLanguage": {"@id": "#snakemake"}, "encodingFormat": "text/x-python", "license": {"@id": LICENSE},
        "softwareVersion": f"{run['cubespace_version']} ({run['git_commit']})", "input": {"@id": "#settings"},
        "conformsTo": {"@id": WORKFLOW_TYPE},
    }  # fmt: skip
    yield {"@id": WORKFLOW_TYPE, "@type": "CreativeWork", "name": "ComputationalWorkflow", "version": "1.0-RELEASE"}
    yield {
        "@id": "#settings", "@type": "FormalParameter", "additionalType": "Text", "name": "configuration",
        "conformsTo": {"@id": PARAMETER_TYPE},
    }  # fmt: skip
    yield {"@id": PARAMETER_TYPE, "@type": "CreativeWork", "name": "FormalParameter", "version": "1.0-RELEASE"}


def _workflow(results):
    """Copy Snakefile, rules and schema into the crate; the Snakefile's identifier, and the entities of the others."""
    clone, parts = Path(__file__).parents[2], []
    for path in [*sorted(clone.glob("workflow/rules/*.smk")), clone / "workflow/schemas/config.schema.yaml", clone / "Snakefile"]:
        name = f"{WORKFLOW}/{path.relative_to(clone).as_posix()}"
        with atomic(results / name) as temporary:
            shutil.copyfile(path, temporary)
        parts.append({"@id": quote(name), "@type": "File", "name": path.name, "encodingFormat": _kind(name)})
    return parts.pop()["@id"], parts


def _file(path, digest, results):
    """A file of the ledger: inside by its path, from outside by its digest."""
    name = f"ni:///sha-256;{base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip('=')}"
    entity = {"@type": "File", "name": path, "sha256": digest, "encodingFormat": _kind(path)}
    if not audit.is_result(path):
        return {"@id": name, **entity}
    inside = Path(path).relative_to("results").as_posix()
    size = str(audit.locate(path, results).stat().st_size)
    return {"@id": quote(inside), **entity, "contentSize": size}


def _settings(run):
    """The configuration as a value of the workflow's parameter."""
    text = json.dumps(run["config"], sort_keys=True, ensure_ascii=False)
    return [{"@id": "#configuration", "@type": "PropertyValue", "name": "configuration", "value": text, "exampleOfWork": {"@id": "#settings"}}]


def _ledger(results):
    """The records of the jobs: who made what, from what."""
    for path in sorted((results / "provenance").rglob("*.json")):
        name = path.relative_to(results).as_posix()
        yield {"@id": quote(name), "@type": "File", "name": path.name, "encodingFormat": "application/json"}


def _action(run, main, inputs, outputs, results):
    """The run. Its end is the date of its last file, the one date there is."""
    end = max(os.path.getmtime(audit.locate(e["name"], results)) for e in outputs)  # noqa: PTH204
    return {
        "@id": "#run", "@type": "CreateAction", "name": f"cubespace on {run['config']['survey']}", "instrument": {"@id": main},
        "description": f"cubespace {run['cubespace_version']}, commit {run['git_commit']}",
        "object": [{"@id": entity["@id"]} for entity in inputs], "result": [{"@id": entity["@id"]} for entity in outputs],
        "endTime": datetime.fromtimestamp(end, UTC).isoformat(timespec="seconds"),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }  # fmt: skip


def _kind(path):
    suffix = Path(path).suffix
    return _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
