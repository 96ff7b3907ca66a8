"""The sections say of a network, its layers and its search what was measured."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from analognas.record.layer_sensitivity import LayerLoss, LayerSensitivity
from analognas.record.trial import Ask
from analognas.report import ReportData
from analognas.report.events import duplicates, events
from analognas.report.figures.block_diagram import block_diagram, blocks_of
from analognas.report.figures.learned import associations
from analognas.report.figures.tile_map import TILES_SHOWN, tile_map_picture
from analognas.report.picture.marks import Area, Label
from analognas.report.sections.answer import answer_section
from analognas.report.sections.layers import layers_section
from analognas.report.sections.learned import learned_section
from analognas.report.sections.size import costs_of
from analognas.report.side_by_side import side_by_side_html
from analognas.strategies.strategy import Proposal


def _layer(rows: int, columns: int, n_tiles: int = 1) -> dict[str, Any]:
    side = 64
    tiles = [[side * i, min(rows, side * (i + 1)), 0, columns] for i in range(n_tiles)]
    used = rows * columns / (n_tiles * side * side)
    return {
        "rows": rows, "columns": columns, "groups": 1, "tile_rows": side, "tile_columns": side, "utilisation": used,
        "tiles": tiles,
    }  # fmt: skip


@pytest.fixture
def data(runs: ModuleType) -> ReportData:
    base = runs.report_data(40)
    architecture = {
        "OC0": 8,
        "M": 2,
        "blocks": [{"R": 2, "CT": "A", "skip": True}, {"R": 1, "CT": "B", "skip": False}],
    }
    network = replace(base.result.network, architecture=architecture)
    names = [
        "stem.0",
        *(f"blocks.{i}.branches.{b}.{j}" for i in range(3) for b in range(2) for j in (0, 3)),
        "classifier",
    ]
    layers = {name: _layer(100, 20, 2) if name.endswith(".3") else _layer(9, 20) for name in names}
    tile_map = {
        "tile_rows": 64, "tile_columns": 64, "n_tiles": 20, "n_weights": 1234, "utilisation": 0.25, "layers": layers,
    }  # fmt: skip
    return replace(
        base,
        result=replace(base.result, network=network),
        tile_map=tile_map,
        input_shape=(1, 8, 8),
        n_classes=10,
    )


def test_the_diagram_has_a_box_for_each_block_and_a_field_for_each_layer(data: ReportData) -> None:
    blocks = blocks_of(data)
    assert [block.title for block in blocks] == [
        "input",
        "stem",
        "block 1",
        "block 2",
        "block 3",
        "classifier",
        "output",
    ]
    assert [block.skips for block in blocks] == [False, False, True, True, False, False, False]
    assert [block.note for block in blocks][:4] == ["1×8×8", "", "CT=A", "CT=A"]
    assert all(len(block.branches) == 2 for block in blocks[2:5])
    for width in (360, 980):
        drawn = block_diagram(data, width)
        fields = [mark for mark in drawn.marks if isinstance(mark, Area) and mark.text]
        assert len(fields) == len(data.tile_map["layers"])
        x, y = np.array([point for field in fields for point in field.points]).T
        assert x.min() >= 0 and x.max() <= width and y.max() <= drawn.height
    assert "blocks.0.branches.0.3: 100 rows × 20 columns, 2 tiles" in fields[2].text


def test_the_matrices_of_an_lstm_say_what_they_are_for(data: ReportData) -> None:
    gates = "blocks.0.memory.l0.gates"
    layers = {f"{gates}.input": _layer(48, 448), f"{gates}.hidden": _layer(56, 448), "head": _layer(56, 65)}
    drawn = block_diagram(replace(data, tile_map={"layers": layers}), 980)
    texts = [mark.text for mark in drawn.marks if isinstance(mark, Label)]
    assert {"input 48 × 448", "hidden 56 × 448", "56 × 65"} <= set(texts)
    fields = [mark for mark in drawn.marks if isinstance(mark, Area) and mark.text]
    wide, narrow = (
        max(x for x, _ in field.points) - min(x for x, _ in field.points) for field in fields[::2]
    )
    assert wide > narrow


def test_each_constraint_is_kept_or_broken(data: ReportData) -> None:
    parameters = data.networks[0].metrics["parameters"]
    for bound, word in ((parameters, "✓ kept"), (parameters - 1, "✗ broken")):
        content = answer_section(replace(data, upper_bounds={"parameters": bound}))
        assert content.count("✓") + content.count("✗") == 1 and word in content
    assert "not measured" in answer_section(replace(data, upper_bounds={"energy_uj": 3.0}))


@pytest.mark.parametrize(
    "broken", [{"layers": 3}, {"layers": {"a": {}}}, {"layers": {"a": None}}, {"layers": ["a"]}]
)
def test_a_tile_map_of_somebody_else_does_not_end_the_report(
    data: ReportData, broken: dict[str, Any]
) -> None:
    changed = replace(data, tile_map=broken)
    assert "cannot be read" in answer_section(changed)
    assert "cannot be read" in layers_section(changed)


def test_tiles_are_drawn_to_scale_and_the_rest_is_counted(data: ReportData) -> None:
    drawn = tile_map_picture({"layers": {"a": _layer(32, 16), "b": _layer(6400, 8, 100)}}, 500)
    pieces = [mark for mark in drawn.marks if isinstance(mark, Area) and mark.text]
    assert len(pieces) == TILES_SHOWN
    (x, y), (right, _), (_, bottom), _ = pieces[0].points
    assert (bottom - y) / (right - x) == pytest.approx(2)
    assert any("5 more tiles" in getattr(mark, "text", "") for mark in drawn.marks)


def test_the_sensitivity_of_each_layer_is_in_table_and_figure(data: ReportData) -> None:
    assert "--sensitivity" in layers_section(data)
    losses = (LayerLoss("classifier", 0.1, 0.02, 0.01, 0.03), LayerLoss("stem.0", 0.9, 0.001, -0.002, 0.004))
    found = LayerSensitivity(losses, LayerLoss("", 1.0, 0.03, 0.02, 0.04), 0.95, 86400.0, 10, "test")
    assert LayerSensitivity.from_json(found.to_json()) == found
    content = layers_section(replace(data, sensitivity=found))
    for words in (
        "2.00<",
        "0.10 (level)",
        "classifier: 2.00 points",
        "cost 3.00 points of 95.00 %",
        "10 chips, 1 day",
    ):
        assert words in content, words


def test_a_damaged_sensitivity_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match="chips"):
        LayerSensitivity.from_json('{"layers":[],"whole":{"layer":"","share_of_weights":1,"cost":0,"low":0,"high":0},'
                                   '"ideal":0.9,"t_s":1.0,"chips":1,"split":"test"}')  # fmt: skip


def test_what_was_learned_is_the_rank_correlation_of_each_symbol(data: ReportData) -> None:
    found = {one.symbol: one for one in associations(data, "accuracy_1d")}
    trials = data.completed
    tau, p = kendalltau([t.architecture["OC0"] for t in trials], [t.metrics["accuracy_1d"] for t in trials])
    assert found["OC0"].tau == pytest.approx(tau) and found["OC0"].n == len(trials)
    assert min(1.0, p) <= found["OC0"].p <= 1.0
    assert "blocks.0.CT" in found and "blocks.0.skip" in found
    strengths = [abs(one.tau) for one in associations(data, "accuracy_1d")]
    assert strengths == sorted(strengths, reverse=True)
    assert "Drawn from 10 trials" in learned_section(replace(data, trials=data.trials[:5]))


def test_chance_alone_is_rarely_called_a_finding(data: ReportData) -> None:
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(20):
        shuffled = rng.permutation(len(data.completed))
        trials = [
            replace(trial, architecture=data.completed[place].architecture, metrics={**trial.metrics, "parameters": 1.0,
                    "macs": 1.0, "tiles": 1.0})
            for trial, place in zip(data.completed, shuffled, strict=True)
        ]  # fmt: skip
        called += any(not one.is_level for one in associations(replace(data, trials=trials), "accuracy_1d"))
    assert called <= 4


def test_events_are_first_proposals_and_new_best_trials(data: ReportData) -> None:
    happened = events(data)
    assert [event.text for event in happened if event.text.endswith("begins to propose")] == [
        "latin-hypercube begins to propose", "algorithm-1 begins to propose",
    ]  # fmt: skip
    assert [event.turns for event in happened if "begins" in event.text] == [False, True]
    best = [event for event in happened if event.text.startswith("best so far")]
    assert best[-1].trial == data.ranked[0].number
    assert [event.trial for event in happened] == sorted(event.trial for event in happened)


def test_repeated_candidates_and_short_answers_are_counted(data: ReportData) -> None:
    first, second = replace(data.trials[0], genotype=(1, 2)), replace(data.trials[1], genotype=(1, 2))
    assert duplicates(replace(data, trials=[first, second])) == "1 evaluations repeat an earlier candidate."
    asked = replace(first, ask=Ask(6, (Proposal((1, 2), "a"),)))
    assert "for 6 candidates; 5 were missing" in duplicates(replace(data, trials=[asked]))


def test_costs_are_those_that_differ_between_trials(data: ReportData) -> None:
    assert costs_of(data) == ["parameters", "tiles"]
    same = [
        replace(t, metrics={**t.metrics, "tiles": 5.0, "energy_uj": float(t.number + 1)})
        for t in data.completed
    ]
    assert costs_of(replace(data, trials=same)) == ["parameters", "energy_uj"]


def test_runs_stand_side_by_side_with_what_differs(data: ReportData, runs: ModuleType) -> None:
    other = replace(
        runs.report_data(20, seed=3, finished=False),
        config_text=data.config_text.replace("batch: 6", "batch: 9"),
    )
    page = side_by_side_html([("first", data), ("<other>", other)])
    assert "&lt;other&gt;" in page and "<other>" not in page
    assert page.count('class="wide"') == 2
    assert "<code>search.batch</code>" in page and page.count("<code>search.") == 1
    assert f"{100 * data.networks[0].metrics['accuracy_1d']:.2f} ±" in page
    assert "validation split, unfinished" in page
    assert ">test: first<" in page and ">validation: &lt;other&gt;<" in page
    same = side_by_side_html([("first", data), ("second", data)])
    assert "test: first" not in same and "on the test split" in same
