"""The bounds on size that a search takes where its configuration says nothing about size."""

from __future__ import annotations

from pathlib import Path

import pytest

from analognas.compose import compose, load_task_and_space
from analognas.config.document import parse_document
from analognas.config.loader import dump_config, validate_document
from analognas.config.sections import SearchConfig
from analognas.config.size_bounds import with_size_bounds
from analognas.runs.lifecycle import new_run
from analognas.runs.resume_checks import search_differences, with_bounds_of
from search_spaces import count_network, published
from tests.analognas.parse import parse_config

BARE = "task: {kind: digits}\nexecutor: {kind: serial}\n"
SHAPE = (1, 8, 8)


def completed(text: str) -> tuple[SearchConfig, str]:
    document = parse_document(text, "search.yaml")
    config = validate_document(document, Path())
    return with_size_bounds(config, *load_task_and_space(config))


def size(name: str) -> dict[str, float]:
    parameters, macs = count_network(published(name, SHAPE, 10), SHAPE)
    return {"parameters": parameters, "macs": macs}


@pytest.mark.parametrize("constraints", ["", "constraints: {}\n", "constraints: {avm: 0.05}\n"])
def test_a_search_without_bounds_takes_the_size_of_its_reference(constraints: str) -> None:
    config, note = completed(BARE + constraints)
    bounds = config.constraints.upper_bounds()
    assert bounds.pop("avm", 0.05) == 0.05
    assert bounds == size("resnet8")
    assert "`parameters <= 77,898`" in note
    assert "`macs <= 763,520`, the size of resnet8" in note
    assert "`constraints: {parameters: null}`" in note


@pytest.mark.parametrize(
    "constraints", ["{parameters: null}", "{macs: null}", "{parameters: 9 k}", "{macs: 1 M, avm: 0.1}"]
)
def test_what_is_written_stays_and_null_is_free(constraints: str) -> None:
    config = parse_config(f"{BARE}constraints: {constraints}\n", Path())
    assert completed(f"{BARE}constraints: {constraints}\n") == (config, "")


def test_the_largest_of_references_and_given_candidates_counts() -> None:
    config, _ = completed(f"{BARE}references: [ds-cnn, resnet8]\n")
    assert config.constraints.upper_bounds() == size("resnet8")
    space = "space: {kind: resnet, bottleneck: input}\n"
    config, note = completed(f"{BARE}{space}search: {{start_from: [analognas-cifar10-t300]}}\n")
    assert config.constraints.upper_bounds() == size("analognas-cifar10-t300")
    assert "the size of analognas-cifar10-t300;" in note


def test_without_references_a_network_for_small_images_counts() -> None:
    config, note = completed(f"{BARE}references: []\n")
    assert config.constraints.upper_bounds() == size("resnet8")
    assert "since there is no reference" in note


def test_a_space_without_anything_that_small_is_searched_among_its_smallest() -> None:
    text = f"{BARE}space: {{kind: resnet, oc0: [64, 128], m: [4, 5]}}\n"
    config, note = completed(text)
    assert 77_898 < (config.constraints.parameters or 0) < 10_000_000
    assert "2 times the smallest candidate found" in note
    document = parse_document(text, "search.yaml")
    assert len(compose(validate_document(document, Path())).probe.admissible)


def test_the_bounds_taken_are_those_of_the_run(tmp_path: Path) -> None:
    document = parse_document(BARE, "search.yaml")
    written = validate_document(document, Path())
    composition = compose(written)
    run = new_run(composition, tmp_path / "run")
    kept = parse_config(run.config.read_text(), tmp_path)
    assert kept == composition.config
    assert kept.constraints.says_size
    assert compose(kept).size_note == ""
    assert composition.size_note in composition.notes
    assert run.read_environment()["size_bounds"] == composition.size_note
    assert with_bounds_of(run, written) == kept
    assert list(search_differences(run, with_bounds_of(run, written))) == []
    run.environment.unlink()
    assert with_bounds_of(run, written) == kept


def test_an_older_run_stays_free_and_written_bounds_are_another_search(tmp_path: Path) -> None:
    document = parse_document(BARE, "search.yaml")
    written = validate_document(document, Path())
    run = new_run(compose(written), tmp_path / "run")
    run.environment.write_text("{}")
    run.config.write_text(dump_config(written))  # as runs had it before: null for every bound
    old = with_bounds_of(run, written)
    assert old.constraints.says_size
    assert old.constraints.upper_bounds() == {}
    assert compose(old).config == old

    bounded = parse_config(f"{BARE}constraints: {{parameters: 9 k}}\n", Path())
    run.config.write_text(dump_config(bounded))
    run.environment.write_text('{"python": "3.11"}')
    (line,) = search_differences(run, with_bounds_of(run, written))
    assert line == "constraints.parameters: 9000 in the run, now null"
