"""A search for a described chip, from its bounds to its report."""

import json
from pathlib import Path

import pytest

import hwsim
from analognas import Run
from tests.analognas.small_search import TINY, analognas, write_small

pytestmark = pytest.mark.slow

CHIP = TINY.replace(
    "hardware: {preset: pcm-analognas, tile: {rows: 128, columns: 64}}",
    "chip: {chip: hermes-64core, tiles: 12, mode: one-phase, tile: {rows: 128, columns: 64}}",
).replace("constraints: {parameters: 20000}", "constraints: {parameters: 20000, energy_uj: <= resnet8}")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("chip")
    done = analognas("search", write_small(folder, CHIP), "--out", folder / "run")
    assert done.returncode == 0, done.stderr
    assert "`tiles <= 12`, those of hermes-64core with" in done.stderr + done.stdout
    return folder / "run"


def test_trials_keep_the_bounds_and_have_their_costs(run: Path) -> None:
    found = Run.open(run)
    bounds = found.config.constraints.upper_bounds()
    assert set(bounds) == {"parameters", "energy_uj", "tiles"}
    trials = found.trials()
    for metric, bound in bounds.items():
        assert (trials[metric] <= bound).all(), metric
    assert trials["inferences_per_j"].to_numpy() == pytest.approx(1e6 / trials["energy_uj"].to_numpy())
    network = found.network()
    best = hwsim.cost(network, found.config.chip, input_shape=(1, 8, 8))
    assert best.energy_uj == found.directory.final_result().network.metrics["energy_uj"]
    stored = json.loads((run / "best" / "analog.json").read_text())["cost"]
    assert stored == json.loads(json.dumps(best.to_json()))


def test_report_and_table_have_the_cost(run: Path) -> None:
    page = (run / "report.html").read_text()
    assert "Cost on the chip" in page
    assert "that of resnet8" in page
    assert "energy_uj" in (run / "summary.csv").read_text().splitlines()[0]


def test_validation_tells_the_cost_on_this_chip_and_on_another(run: Path) -> None:
    own = json.loads(analognas("validate", run, "--chips", "2", "--times", "1 s", "--json").stdout)["cost"]
    assert own["energy_uj"] == json.loads((run / "best" / "analog.json").read_text())["cost"]["energy_uj"]
    done = analognas("validate", run, "--chips", "2", "--times", "1 s", "--chip", "aon-cim")
    assert "aon-cim, 8-bit, layer-serial, packed" in done.stdout
    wrong = analognas("validate", run, "--chip", "aon")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "did you mean aon-cim" in wrong.stderr


def test_the_run_is_continued_and_reported_again(run: Path) -> None:
    before = (run / "trials.jsonl").read_bytes()
    (run / "report.html").unlink()
    config = run.parent / "small.yaml"
    assert analognas("search", config, "--out", run, "--resume", "auto").returncode == 0
    assert (run / "trials.jsonl").read_bytes() == before
    assert "Cost on the chip" in (run / "report.html").read_text()
