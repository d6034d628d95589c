"""The files around the package agree with each other."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base"}
CONSTRAINTS = (ROOT / "constraints.txt").read_text().split()


def requirements(*extras: str) -> dict[str, Requirement]:
    """pyproject's requirements by name."""
    lines = PROJECT["dependencies"] + [r for extra in extras for r in PROJECT["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def test_the_conda_environment_asks_for_what_pyproject_asks_for():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in entries if isinstance(entry, dict))
    conda = [Requirement(e) for e in entries if isinstance(e, str)] + [
        Requirement(e) for e in pip if not e.startswith("-e")
    ]
    found = {r.name: str(r.specifier) for r in conda if r.name not in ("python", "pip")}
    assert found == {CONDA_NAMES.get(name, name): str(r.specifier) for name, r in requirements().items()}
    assert next(r for r in conda if r.name == "python").specifier == PROJECT["requires-python"]
    assert "-e ." in pip


def test_constraints_are_exact_and_serve_every_kind_of_machine():
    for line in CONSTRAINTS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), (
            f"{line}: a pin without local label, path or marker"
        )
    assert len({canonicalize_name(line.split("==")[0]) for line in CONSTRAINTS}) == len(CONSTRAINTS)


def test_every_requirement_is_pinned_within_its_bounds():
    pins = {canonicalize_name(name): version for name, version in (line.split("==") for line in CONSTRAINTS)}
    for name, requirement in requirements("dev", "init", "slurm").items():
        assert name in pins, f"{name} has no pin; run `make constraints`"
        assert requirement.specifier.contains(pins[name]), (
            f"{name}: {pins[name]} is outside {requirement.specifier}"
        )


def test_make_has_the_targets_that_the_readme_promises():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("venv", "demo", "test", "lint", "typecheck", "ui", "constraints", "clean"):
        assert re.search(rf"^{target}:", makefile, flags=re.M), f"no target {target}"


def test_results_of_trials_are_not_committed():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"results/*/trials/", "results/mlflow.db*", "results/mlartifacts/"} <= set(ignored)


def test_the_changelog_names_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog or f"## [{PROJECT['version']}]" in changelog
