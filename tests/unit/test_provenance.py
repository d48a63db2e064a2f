"""The digest of a step's code covers what it imports, and nothing else."""

import shutil

import pytest

from cubespace import provenance
from cubespace.provenance import code_digest, import_closure, release_digest


def test_closure_follows_imports_inside_functions():
    closure = import_closure("cubespace.steps.sample")
    assert {"cubespace", "cubespace.steps", "cubespace.steps.sample", "cubespace.sample", "cubespace.tables"} <= set(closure)
    assert "cubespace.cosmology" in closure  # imported by cubespace.sample
    assert not any(name.startswith(("cubespace.network", "cubespace.figures")) for name in closure)


def test_unknown_module_is_an_error():
    with pytest.raises(ValueError, match="not a module"):
        import_closure("cubespace.steps.nothing")


def test_digest_changes_with_an_imported_module_and_not_with_others(tmp_path, monkeypatch):
    copy = tmp_path / "cubespace"
    shutil.copytree(provenance._ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_ROOT", copy)

    def now():
        provenance._imports.cache_clear()
        provenance.code_digest.cache_clear()
        return code_digest("cubespace.steps.sample")

    before = now()
    (copy / "columns.py").touch()
    (copy / "unrelated.py").write_text("x = 1\n")
    assert now() == before
    (copy / "cosmology.py").write_text((copy / "cosmology.py").read_text() + "\n# edited\n")
    assert now() != before
    monkeypatch.undo()
    provenance._imports.cache_clear()
    provenance.code_digest.cache_clear()


def test_release_digest_sees_only_what_fits_see():
    rows = [("A", "train"), ("B", "validation"), ("C", "embed")]
    assert release_digest(rows) == release_digest(rows[:2]) == release_digest(rows[1::-1])
    assert release_digest(rows) != release_digest([("A", "validation"), ("B", "train")])
    assert release_digest(rows[2:]) is None and release_digest([]) is None
