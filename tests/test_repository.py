"""What greets a contributor is whole: files that are named exist, workflows and templates can be read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
YAML = [ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_yaml_can_be_read(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name
)
def test_a_workflow_runs_scripts_that_exist_with_few_rights(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            for script in re.findall(r"scripts/\w+\.sh", step.get("run", "")):
                assert (ROOT / script).exists(), script


def test_tests_run_on_every_declared_version_of_python() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())
    versions = workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [c.rsplit(" ", 1)[1] for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert versions == declared
    assert project["requires-python"] == f">={versions[0]}"


def test_contributors_reach_a_test_in_five_commands() -> None:
    (block,) = re.findall(
        r"^```sh\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL | re.MULTILINE
    )
    commands = block.splitlines()
    assert len(commands) == 5
    assert commands[-1].startswith("pytest")
    for path in re.findall(r"\b(?:scripts|configs|tests)/[\w./]+", block):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", PAGES)
def test_links_of_pages_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / name).read_text()):
        assert (ROOT / target).exists(), target


def _pages(entry: object) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    inner = entry if isinstance(entry, list) else list(entry.values())
    return [page for one in inner for page in _pages(one)]


def test_every_page_has_its_place_on_the_site() -> None:
    shown = _pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    made = {"contributing.md", "security.md", "conduct.md", "changes.md", "reference/command-line.md"}
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert len(shown) == len(set(shown))
    assert set(shown) == written | made


def test_hooks_are_the_checks_of_the_test_script() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    script = (ROOT / "scripts" / "test.sh").read_text()
    assert all(hook["entry"].split()[0] in script for hook in hooks)


def test_the_image_copies_every_package() -> None:
    copied = re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) <= set(copied)
    assert json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())["build"]["dockerfile"]


def _in_place_of(folder: Path, script: str, **ends: int) -> None:
    """Put `script` into a folder whose other scripts end with the codes that are named, and say it."""
    (folder / script).parent.mkdir(exist_ok=True)
    (folder / "scripts").mkdir(exist_ok=True)
    shutil.copy(ROOT / script, folder / script)
    for name, code in ends.items():
        (folder / "scripts" / f"{name}.sh").write_text(f"echo {name} ends with {code}\nexit {code}\n")


def _run(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", folder / script],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("skips", "code"), [("", 3), ("1", 0)])
def test_a_site_that_cannot_be_built_fails_unless_it_is_left_out(skips: str, code: int, tmp_path) -> None:
    _in_place_of(tmp_path, ".ci/run", test=0, test_hwsim_wheel=0, build_docs=3)
    assert _run(tmp_path, ".ci/run", ANALOGNAS_SKIP_DOCS=skips).returncode == code


def test_a_simulator_that_fails_alone_is_shown(tmp_path) -> None:
    _in_place_of(tmp_path, ".ci/run", test=0, test_hwsim_wheel=5, build_docs=0)
    done = _run(tmp_path, ".ci/run")
    assert done.returncode == 1
    assert "test_hwsim_wheel ends with 5" in done.stderr


@pytest.mark.parametrize(("tests", "wheel", "code"), [(0, 0, 0), (0, 4, 1), (6, 0, 6)])
def test_the_wheel_is_tried_beside_the_tests(tests: int, wheel: int, code: int, tmp_path) -> None:
    _in_place_of(tmp_path, "scripts/test.sh", setup=0, test_wheel=wheel)
    (tmp_path / "scripts" / "setup.sh").write_text(f"PATH={tmp_path}/bin:$PATH\n")
    (tmp_path / "bin").mkdir()
    for name, ends in (("ruff", 0), ("mypy", 0), ("lint-imports", 0), ("pytest", tests)):
        tool = tmp_path / "bin" / name
        tool.write_text(f"#!/bin/sh\nexit {ends}\n")
        tool.chmod(0o755)
    done = _run(tmp_path, "scripts/test.sh")
    assert done.returncode == code
    assert ("test_wheel ends with 4" in done.stderr) == bool(wheel)


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_valid_shell(path: Path) -> None:
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0
