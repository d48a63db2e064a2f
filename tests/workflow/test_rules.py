"""The workflow as a whole: it lints, plans with the Slurm profile, and every rule is complete."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from survey import ROOT

from cubespace.provenance import import_closure

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
TEXT = {path.name: path.read_text() for path in RULES}


def run(*options):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_lint_is_clean():
    done = run("--lint")
    assert done.returncode == 0 and "Congratulations" in done.stdout, done.stdout


def test_rule_files_are_formatted():
    pytest.importorskip("snakefmt", reason="SNAKEFMT ABSENT: it is in requirements.txt; this test checks the format of the rule files")
    done = subprocess.run([sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow/rules"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_slurm_profile_plans_from_the_root():
    done = run("-n", "--profile", "slurm", "--quiet")
    assert done.returncode == 0, done.stdout


BLOCKS = [
    pytest.param(block, id=f"{name}:{block.split(':')[0].strip().removeprefix('rule ')}")
    for name, text in TEXT.items()
    for block in re.split(r"\n(?= *rule\b)", text)[1:]
]


@pytest.mark.parametrize("block", BLOCKS)
def test_every_rule_states_log_benchmark_environment_resources_and_code(block):
    for directive in ("log:", "benchmark:", "conda:", "threads:", "resources:", "mem_mb=mem(", "runtime=minutes(", "code=code("):
        assert directive in block, directive
    step = re.search(r"python (?:-u )?-m cubespace\.steps\.(\w+)", block).group(1)
    assert f'code=code("{step}")' in block
    assert (ROOT / f"workflow/cubespace/steps/{step}.py").is_file()


def test_every_caption_exists_and_is_used():
    used = set(re.findall(r"report/([\w{}]+)\.rst", "".join(TEXT.values()) + (ROOT / "Snakefile").read_text()))
    names = re.findall(r'^    "(\w+)": \("', TEXT["figures.smk"], re.MULTILINE)
    used = (used - {"{FIGURE}"}) | set(names)
    there = {path.stem for path in (ROOT / "workflow/report").glob("*.rst")}
    assert used == there


@pytest.mark.parametrize(
    ("device", "canvas", "gpu", "threads"), [("auto", [46, 48], 1, 1), ("cpu", [46, 48], 0, 1), ("auto", [184, 192], 1, 8)]
)
def test_training_asks_for_a_gpu_and_for_threads_that_small_maps_can_use(tmp_path, device, canvas, gpu, threads):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config["network"]["device"], config["maps"]["canvas"] = device, canvas
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    options = "-n", "--forcerun", "train", "--configfile", str(tmp_path / "config.yaml")  # forced: this clone may have the demo's results
    for cluster in ((), ("--profile", "slurm")):  # a profile leaves it to the rule
        done = run(*options, *(cluster or ("--cores", "8")), "--", "results/network/full/weights.safetensors")
        assert done.returncode == 0, done.stdout
        plan = re.search(r"^(?:local)?rule train:\n(?:    .*\n)+", done.stdout, re.MULTILINE)[0]
        assert re.search(rf"\bgpu={gpu}\b", plan), plan
        assert re.findall(r"threads: (\d+)", plan) == ([str(threads)] if threads > 1 else [])


@pytest.mark.parametrize(
    ("sheet", "more", "words"),
    [
        ("galaxy,environment\nA,\nB,void\nC,Void\n", "", "sample.sheet or sample.tables: C: environment: found 'Void'; expected one of cluster"),
        ("galaxy,nuclear_class\nA,AGN\nB,agn\n", "", "sample.sheet or sample.tables: B: nuclear_class: found 'agn'; expected one of SF"),
        ("galaxy\nA\n", "seed: 1\nseed: 2\n", "config.yaml: seed: found in line 5 and again in line 6, expected once"),
        ("galaxy,role\nA,train\nB,train\nC,validation\nD,validation\n", "mock: {truth: t.csv, ssp: s.npz}\nfigures: {examples: [A, E]}\n", "figures.examples: E: not in"),
        ("galaxy\nA\n", "yes: 1\n", "config: (top level): found the key True, expected text"),
    ],
)
def test_what_no_job_can_use_is_refused_before_any(tmp_path, sheet, more, words):
    (tmp_path / "sheet.csv").write_text(sheet)
    (tmp_path / "config.yaml").write_text(f"survey: x\nsample:\n  sheet: {tmp_path}/sheet.csv\n  cubes: '{tmp_path}/{{galaxy}}.fits'\n{more}")
    done = run("-n", "--configfile", str(tmp_path / "config.yaml"))
    assert done.returncode != 0 and words in done.stdout, done.stdout


def third_party(step):
    """Packages outside the standard library that a step and the modules behind it import."""
    found = set()
    for module in import_closure(f"cubespace.steps.{step}"):
        inside = ROOT / "workflow" / Path(*module.split("."))
        path = inside / "__init__.py" if inside.is_dir() else inside.with_suffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {name.split(".")[0] for name in names}
    return found - set(sys.stdlib_module_names) - {"cubespace", ""}


CONDA = {"torch": ("pytorch", "pytorch-gpu"), "sklearn": ("scikit-learn",), "umap": ("umap-learn",), "yaml": ("pyyaml",), "isal": ("python-isal",)}


@pytest.mark.parametrize("block", BLOCKS)
def test_the_environment_of_a_rule_has_what_its_step_imports(block):
    step = re.search(r"cubespace\.steps\.(\w+)", block).group(1)
    names = re.findall(r'envs/([\w-]+)\.yaml', block) or ["network", "network-cpu"]
    for name in names:
        specs = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"]
        have = {spec.split()[0] for spec in specs}
        lacking = {package for package in third_party(step) if not have & set(CONDA.get(package, (package,)))}
        assert not lacking, f"{name}.yaml lacks {lacking} for {step}"


def test_environments_hold_nothing_unused():
    used = {}
    for block in (parameter.values[0] for parameter in BLOCKS):
        step = re.search(r"cubespace\.steps\.(\w+)", block).group(1)
        for name in re.findall(r"envs/([\w-]+)\.yaml", block) or ["network", "network-cpu"]:
            used.setdefault(name, {"python"}).update(conda for package in third_party(step) for conda in CONDA.get(package, (package,)))
    for path in (ROOT / "envs").glob("*.yaml"):
        unused = {spec.split()[0] for spec in yaml.safe_load(path.read_text())["dependencies"]} - used[path.stem]
        assert not unused, f"{path.name}: no step of its rules imports {unused}"


def test_environments_are_pinned_like_the_lock():
    lock = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    pip = {names[0]: package for package, names in CONDA.items()} | {"pytorch-gpu": "torch", "scikit-learn": "scikit-learn", "umap-learn": "umap-learn", "pyyaml": "PyYAML"}
    for path in (ROOT / "envs").glob("*.yaml"):
        env = yaml.safe_load(path.read_text())
        assert env["channels"] == ["conda-forge", "nodefaults"], path.name
        for spec in env["dependencies"]:
            name, version = spec.split(" =")
            if name == "python":
                continue
            assert lock[pip.get(name, name)] == version, f"{path.name}: {spec}"
