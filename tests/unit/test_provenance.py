"""The digest of a step's code covers what it imports, and nothing else."""

import ast
import shutil

import pytest

from cubespace import provenance
from cubespace.provenance import code_digest, import_closure, release_digest


def test_closure_follows_imports_inside_functions():
    closure = import_closure("cubespace.steps.sample")
    assert {"cubespace", "cubespace.steps", "cubespace.steps.sample", "cubespace.sample", "cubespace.tables"} <= set(closure)
    assert "cubespace.cosmology" in closure  # imported by cubespace.sample
    assert not any(name.startswith(("cubespace.network", "cubespace.figures")) for name in closure)


def by_syntax_tree(module, path):
    """What Python's own parser says that a module of the package imports."""
    package, found = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1], set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            found.update([base, *(f"{base}.{alias.name}" for alias in node.names)])
    return {name for name in found if name.split(".")[0] == "cubespace" and provenance._path(name)}


def test_imports_are_those_of_the_syntax_tree():
    modules = [".".join(("cubespace", *path.relative_to(provenance._ROOT).with_suffix("").parts)) for path in provenance._ROOT.rglob("*.py")]
    modules = [module.removesuffix(".__init__") for module in modules]
    assert len(modules) > 150
    for module in modules:
        assert provenance._imports(module) == by_syntax_tree(module, provenance._path(module)), module


@pytest.mark.parametrize(
    "text",
    [
        "from cubespace.cubes import (\n    cube,  # the (one) class\n    masks as m,\n)\n",
        "def f():\n    from . import sphere, units as u\n    from .survey.gas import lines\n",
        "import os, cubespace.names as n  # and cubespace.sample\nif True:\n\tfrom .cubes.readers import header as cards\n",
        "from cubespace.errors import CubespaceError; from cubespace import names\n",
        "from cubespace import names, \\\n    files  # on two lines\n",
        "from.survey import gas\nfrom cubespace.cubes import(cube)\nfrom . import(sphere)\n",
        "try: import cubespace.sample\nexcept ImportError: from cubespace import tables\n",
        '"""Prose\nfrom cubespace, an import of names\n"""\n',
    ],
)
def test_imports_however_they_are_written(tmp_path, monkeypatch, text):
    copy = tmp_path / "cubespace"
    shutil.copytree(provenance._ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "odd.py").write_text(text)
    monkeypatch.setattr(provenance, "_ROOT", copy)
    found = provenance._imports.__wrapped__("cubespace.odd")  # each text anew
    assert found == by_syntax_tree("cubespace.odd", copy / "odd.py")


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
