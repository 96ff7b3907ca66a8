"""Whole costs: published figures, sums, tables, JSON, and what does not fit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import hwsim
import search_spaces
from hwsim.__main__ import main
from hwsim.chip_cost.energy import PARTS
from hwsim.chip_cost.figure import cost_figure
from tests.hwsim.chip_cost.own_chip import own_chip

LAYER = [{"name": "layer", "rows": 2016, "columns": 224, "groups": 1, "positions": 1}]
CHAIN = [
    {"name": "a", "rows": 27, "columns": 16, "positions": 64},
    {"name": "b", "rows": 144, "columns": 300, "positions": 64},
    {"name": "c", "rows": 300, "columns": 10, "positions": 1},
]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def resnet32() -> Any:
    return search_spaces.published("resnet32", (3, 32, 32), 10)


def test_the_counts_of_resnet32_are_those_that_are_published(resnet32) -> None:
    large = hwsim.cost(resnet32, "analognas-2dmesh", input_shape=(3, 32, 32))
    small = hwsim.cost(resnet32, "hermes-64core", input_shape=(3, 32, 32))
    assert (large.tiles_used, small.tiles_used) == (43, 62)
    assert int(large.costs.weights[0]) == 464_432
    assert large.macs == 69_124_736
    assert sum(row.tiles > 0 for row in large.rows) == 34
    assert (large.mvms, large.tile_mvms) == (14_785, 15_361)
    assert (large.adc_conversions, large.dac_conversions) == (352_266, 2_559_040)
    assert large.tiles_used == hwsim.tile_map(hwsim.to_analog(resnet32, "pcm-analognas")).n_tiles


@pytest.mark.parametrize(
    ("mode", "energy_uj", "latency_us", "peak", "macro"),
    [("one-phase", 0.97, 1.131, 9.76, 6.88), ("four-phase", 1.51, 1.518, 2.48, 1.74)],
)
def test_hermes_has_the_figures_that_its_constants_were_fixed_on(
    mode, energy_uj, latency_us, peak, macro
) -> None:
    found = hwsim.cost(LAYER, "hermes-64core", mode=mode)
    assert found.tiles_used == 8
    assert found.energy_uj == pytest.approx(energy_uj, rel=0.05)
    assert found.latency_us == pytest.approx(latency_us, rel=0.05)
    assert found.tops_per_w["peak"] == pytest.approx(peak, rel=0.05)
    assert found.tops_per_w["macro"] == pytest.approx(macro, rel=0.05)


def test_peak_efficiency_rises_from_a_day_to_ten_years(resnet32) -> None:
    day, decade = (hwsim.cost(LAYER, "hermes-64core", age=age) for age in ("1 day", "10 years"))
    assert day.energy_fj == hwsim.cost(LAYER, "hermes-64core").energy_fj
    rise = decade.tops_per_w["macro"] / day.tops_per_w["macro"] - 1
    assert 0.03 <= rise <= 0.15  # Frank et al., IRPS 2023


def test_parts_and_rows_sum_to_the_whole_exactly() -> None:
    found = hwsim.cost(CHAIN, own_chip())
    assert sum(found.energy_fj.values()) == sum(row.total_fj for row in found.rows)
    assert sum(found.energy_fj.values()) == int(found.costs.energy_fj[0])
    frame = found.to_frame()
    assert frame["energy_uj"].sum() == pytest.approx(found.energy_uj, rel=1e-12)
    assert frame[[f"{part}_uj" for part in (*PARTS, "static")]].to_numpy().sum() == pytest.approx(
        found.energy_uj
    )
    assert frame["tiles"].sum() == found.tiles_used
    assert all(found.energy_fj.values())


def test_json_has_what_the_command_line_promises() -> None:
    found = json.loads(json.dumps(hwsim.cost(CHAIN, own_chip(tiles=2000)).to_json()))
    assert set(found["tiles"]) == {"used", "packed", "lower_bound", "available"}
    assert found["tiles"]["lower_bound"] <= found["tiles"]["packed"] <= found["tiles"]["used"]
    assert set(found["energy_uj"]) == {"total", *PARTS, "static"}
    assert set(found["tops_per_w"]) == {"peak", "macro", "sustained"}
    used = found["tiles"]["used"]
    assert found["area_mm2"] == pytest.approx({"mvm": 0.5 * used, "core": used, "chip": 100})
    assert found["inferences_per_j"] == pytest.approx(1e6 / found["energy_uj"]["total"])
    assert found["throughput_per_s"] >= 1e6 / found["latency_us"]
    assert [layer["layer"] for layer in found["layers"][:3]] == ["a", "b", "c"]
    assert found["tops_per_w"]["peak"] >= found["tops_per_w"]["macro"] > found["tops_per_w"]["sustained"]
    assert found["excluded"]
    assert found["notes"] == ["latency: `fill` of the layers is taken from square maps and kernels"]


def test_a_table_says_units_and_what_is_left_out() -> None:
    found = hwsim.cost(CHAIN, "hermes-64core")
    text = str(found)
    for words in (
        "energy, µJ",
        "busy, µs",
        "latency",
        "inferences/s",
        "TOPS/W",
        "mm²",
        "without  programming",
    ):
        assert words in text
    assert found._repr_html_().count("<tr>") == 5
    assert "µJ" in repr(found)


def test_the_figure_has_a_bar_for_each_layer_and_a_box_for_each_piece() -> None:
    found = hwsim.cost(CHAIN, "hermes-64core", mapping="packed")
    figure = found.plot()
    boxes = [shape for shape in figure.layout.shapes if shape.fillcolor != "#F3F4F6"]
    assert len(boxes) == len(found.pieces) == 5
    assert len(figure.layout.shapes) - len(boxes) == found.tiles_used
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert sum(sum(bar.x) for bar in bars) == pytest.approx(found.energy_uj)


def test_the_figure_numbers_the_layers_on_tiles() -> None:
    found = hwsim.cost(CHAIN, "hermes-64core").to_json()
    on_tiles = {found["layers"][piece["layer"]]["layer"] for piece in found["placement"]}
    written = [str(text) for text in cost_figure(found).layout.yaxis.ticktext]
    numbered = dict(reversed(text.split("  ")) for text in written if "  " in text)
    assert set(numbered) == on_tiles
    assert sorted(map(int, numbered.values())) == list(range(1, len(on_tiles) + 1))
    own = {name: 10 + place for place, name in enumerate(sorted(on_tiles))}
    for width in (360.0, 980.0):
        figure = cost_figure(found, own, width)
        notes = {note.text for note in figure.layout.annotations if not note.text.startswith("tile")}
        assert notes <= {str(number) for number in own.values()}
        assert {f"{number}  {name}" for name, number in own.items()} <= set(figure.layout.yaxis.ticktext)


def test_networks_that_do_not_fit_say_what_is_missing() -> None:
    with pytest.raises(
        ValueError, match=r"needs 5 of 256 × 256: 2 of 3 are missing.*`b` 2.*packed, it takes 2"
    ) as caught:
        hwsim.cost(CHAIN, {"chip": "hermes-64core", "tiles": 3})
    assert "\n" not in str(caught.value)
    hwsim.cost(CHAIN, {"chip": "hermes-64core", "tiles": 3}, mapping="packed")
    with pytest.raises(ValueError, match="a smaller network or a larger chip"):
        hwsim.cost(CHAIN, {"chip": "hermes-64core", "tiles": 1})
    with pytest.raises(ValueError, match=r"`tile_budget` must be at least the 5 tiles.*got 4"):
        hwsim.cost(CHAIN, "hermes-64core", tile_budget=4)
    net = search_spaces.published("resnet8", (3, 32, 32), 10)
    with pytest.raises(ValueError, match=r"`buffer.capacity`.*32,768 B, got 16 KiB"):
        hwsim.cost(net, {"chip": "hermes-64core", "buffer": {"capacity": "16 KiB"}}, input_shape=(3, 32, 32))


def test_a_million_tiles_take_no_longer() -> None:
    many = hwsim.cost(CHAIN, {"chip": "hermes-64core", "tiles": 1_000_000}, tile_budget=1_000_000)
    assert many.latency_us < 5
    assert many.to_json()["tiles"]["available"] == 1_000_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": 0}, r"1 <= matrices\[0\].rows <= .*got 0"),
        ({"groups": 5}, "`matrices\\[0\\].groups` must divide"),
        ({"colums": 3}, "did you mean columns"),
        ({"positions": None}, "`matrices\\[0\\].positions` must be a whole number"),
        ({"rows": 2.5}, "must be a whole number, got 2.5"),
        ({"name": 3}, "must be a text"),
    ],
)
def test_matrices_that_are_none_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        hwsim.cost([{**CHAIN[0], **changes}], "aon-cim")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "two-phase"}, "`mode` must be one of one-phase, four-phase, got 'two-phase', did you mean"),
        ({"mapping": "dense"}, "`mapping` must be one of one-layer, packed"),
        ({"schedule": "serial"}, "did you mean layer-serial"),
        ({"tile_budget": 0}, "tile_budget >= 1"),
        ({"tile_budget": 65}, "at most the 64 tiles of hermes-64core, got 65"),
        ({"tile_budget": 60, "mapping": "packed"}, "`tile_budget` must be left out"),
        ({"age": "soon"}, "`age`"),
        ({"input_shape": (3, 3)}, "`example` must be left out for matrices"),
    ],
)
def test_options_that_are_none_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        hwsim.cost(LAYER, "hermes-64core", **options)


def test_a_chip_without_hardware_does_not_age() -> None:
    with pytest.raises(ValueError, match="`age` must be left out for aon-cim"):
        hwsim.cost(LAYER[:0] + CHAIN, "aon-cim", age="1 day")


def test_the_command_line(tmp_path: Path, capsys) -> None:
    matrices = tmp_path / "layers.json"
    matrices.write_text(json.dumps(CHAIN))
    plot = tmp_path / "cost.html"
    assert (
        main(["cost", "--chip", "hermes-64core", "--matrices", str(matrices), "--json", "--plot", str(plot)])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(json.dumps(hwsim.cost(CHAIN, "hermes-64core").to_json()))
    assert "tile 1" in plot.read_text()
    model = tmp_path / "net.py"
    model.write_text(
        "from torch import nn\ndef build(): return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())\n"
    )
    two = tmp_path / "two.py"
    two.write_text(
        "import torch\nfrom torch import nn\n"
        "class Two(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.words, self.head = nn.Embedding(9, 4), nn.Linear(8, 2)\n"
        "    def forward(self, x, words):\n"
        "        assert words.dtype == torch.int64 and words.shape == (1, 5)\n"
        "        return self.head(torch.cat([x, self.words(words).mean(1)], 1))\n"
    )
    shapes = ["--input-shape", "4", "--input-shape", "5:int64"]
    assert main(["cost", "--chip", "aon-cim", "--model", f"{two}:Two", *shapes]) == 0
    assert "words (Embedding, look-up): 36 and 0" in capsys.readouterr().out
    chip = tmp_path / "chip.yaml"
    chip.write_text("chip: aon-cim\n")
    options = ["--chip", chip, "--model", f"{model}:build", "--input-shape", "3,8,8", "--mode", "4-bit"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "hwsim", "cost", *options],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout.splitlines()[1].split()[:4] == ["0", "27", "×", "8"]
    assert "aon-cim, 4-bit, layer-serial, packed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "`--model` or `--matrices` must be given"),
        (["--model", "nothing.py:build", "--input-shape", "3"], "which is not there"),
        (["--model", "net.py:build"], "`--input-shape` must be given"),
        (["--model", "net", "--input-shape", "3"], "file.py:function"),
        (["--matrices", "nothing.json"], "nothing.json: must be a JSON list"),
        (["--matrices", "layers.json", "--mode", "fast"], "`mode` must be one of"),
        (["--matrices", "layers.json", "--plot", "cost.png"], "must end in .html"),
        (["--matrices", "layers.json", "--input-shape", "3,x"], "numbers such as 3,32,32, got '3,x'"),
        (["--matrices", "layers.json", "--input-shape", "3"], "`example` must be left out for matrices"),
        (
            ["--model", "net.py:build", "--input-shape", "3:int65"],
            "one of float32, int64, int32, bool, got '3:int65', did you mean int64?",
        ),
        (["--model", "net.py:build", "--input-shape", "3,0"], "must be at least 1, got '3,0'"),
        (["--model", "net.py:build", "--input-shape", ":int64"], "numbers such as 3,32,32, got ':int64'"),
        (["--model", "net.py:build", "--input-shape", "3"], "net.py:build raised RuntimeError: no"),
        (["--model", "net.py:three", "--input-shape", "3"], "must return a torch module, got int"),
        (["--model", "net.py:leave", "--input-shape", "3"], "raised SystemExit: 7"),
        (["--model", "net.py:meta", "--input-shape", "4"], "net.py:meta"),
        (["--matrices", "twice.json"], "each key must be there once, got 'rows' twice"),
    ],
)
def test_nonsense_on_the_command_line_is_one_line(arguments, words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layers.json").write_text(json.dumps(CHAIN))
    (tmp_path / "net.py").write_text(
        "from torch import nn\ndef build(): raise RuntimeError('no')\ndef three(): return 3\n"
        "def leave(): raise SystemExit(7)\ndef meta(): return nn.Linear(4, 2, device='meta')\n"
    )
    (tmp_path / "twice.json").write_text('[{"rows": 3, "rows": 30, "columns": 2, "positions": 1}]')
    assert main(["cost", "--chip", "aon-cim", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_what_nothing_can_count_is_refused_at_once() -> None:
    huge = {"name": "huge", "rows": 10**9, "columns": 10**9, "positions": 1}
    with pytest.raises(ValueError, match="at most 1,000,000 tiles"):
        hwsim.cost([huge], "3d-aimc")
    with pytest.raises(ValueError, match="less than 1,000 J"):
        hwsim.cost([{**huge, "rows": 20_000, "columns": 20_000, "positions": 10**9}], "3d-aimc")
