"""What is told of files and folders beside the record that are damaged, missing or in the way."""

import json
from pathlib import Path

import pytest

import analognas
from analognas.config.loader import dump_config, load_config
from analognas.errors import UserError
from analognas.progress.observer import Silent
from analognas.record.directory import RunDirectory, create_run
from analognas.runs.validate import validate
from tests.analognas.small_search import SMALL, write_small


class Told(Silent):
    """Keeps the stages."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)


@pytest.fixture
def begun(tmp_path) -> RunDirectory:
    """A run whose search cannot go on: there is a file in the place of its logs."""
    run = create_run(
        tmp_path / "run", dump_config(load_config(write_small(tmp_path))[0]), {"python": "3.11.9"}
    )
    run.logs.touch()
    return run


def resumed(run: RunDirectory) -> tuple[str, list[str]]:
    """Return the error that a resume ends with, and the stages that it told before."""
    told = Told()
    with pytest.raises(UserError) as caught:
        analognas.resume(run.path, observer=told)
    return str(caught.value), told.stages


def test_logs_that_cannot_be_made_are_told_with_what_helps(begun) -> None:
    error, _ = resumed(begun)
    assert error == (
        f"{begun.logs}: cannot be created: File exists; mend that and run `analognas resume {begun.path}`"
    )


def believed(stages: list[str]) -> list[str]:
    return [stage for stage in stages if "taken to be those of the trials" in stage]


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(path.read_bytes()[:9]),
        lambda path: path.write_bytes(b"\x80\x04\x95"),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_without_its_environment_a_run_says_what_it_cannot_compare(begun, damage) -> None:
    assert not believed(resumed(begun)[1])
    assert json.loads(begun.environment.read_text())
    damage(begun.environment)
    (line,) = believed(resumed(begun)[1])
    assert line.startswith(f"{begun.environment}: missing or damaged; ")


def test_a_run_without_its_architecture_is_told_what_makes_it_again(begun) -> None:
    with pytest.raises(UserError, match=f"no best/architecture.json in it; `analognas resume {begun.path}` "):
        validate(begun, observer=Silent())


def test_the_name_of_a_chip_of_ones_own_is_in_the_report(tmp_path) -> None:
    (tmp_path / "chip.yaml").write_text(
        "name: my-chip\npreset: pcm-analognas\ntile: {rows: 128, columns: 64}\n"
    )
    text = SMALL.replace("{preset: pcm-analognas, tile: {rows: 128, columns: 64}}", "chip.yaml")
    run = create_run(tmp_path / "run", dump_config(load_config(write_small(tmp_path, text))[0]), {})
    page = analognas.Run.open(run.path).report().read_text(encoding="utf-8")
    assert "hardware my-chip ·" in page
    assert "pcm-analognas" not in page.split("<h2")[0]
