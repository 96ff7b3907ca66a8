"""A space, a strategy and a surrogate of another package, from an installed distribution to a finished search."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.analognas.small_search import analognas, command, environment

CODE = """
import numpy as np
import pandas as pd
from torch import nn

from analognas.strategies import Proposal
from surrogates import Prediction


class Perceptrons:
    def __init__(self, input_shape, n_classes, widest=8):
        self.inputs, self.n_classes, self.widest = int(np.prod(input_shape)), n_classes, widest

    def sample(self, n, rng):
        return rng.integers(1, self.widest + 1, size=(n, 1))

    def mutate(self, population, rng):
        return (population - 1 + rng.integers(1, self.widest, size=population.shape)) % self.widest + 1

    def encode(self, population):
        return pd.DataFrame(population.astype(np.float32), columns=["width"])

    def build(self, genotype):
        width = 4 * genotype[0]
        return nn.Sequential(
            nn.Flatten(), nn.Linear(self.inputs, width), nn.ReLU(), nn.Linear(width, self.n_classes)
        )


class Doubles(Perceptrons):
    def encode(self, population):
        return super().encode(population).astype("float64")


class Narrowest:
    def __init__(self, seed, start=1):
        self.start = start

    def ask(self, problem, history, n, rng):
        seen = history.seen()
        fresh = [(gene,) for gene in range(self.start, 9) if (gene,) not in seen]
        return [Proposal(genotype, "narrowest") for genotype in fresh[:n]]


class Linear:
    def __init__(self, ridge=1e-3, how=""):
        self.ridge, self.how = ridge, how

    def fit(self, features, targets, rng):
        x = np.c_[np.ones(len(features)), features]
        weights = np.linalg.solve(x.T @ x + self.ridge * np.eye(x.shape[1]), x.T @ targets)
        return None if self.how == "nothing" else FittedLinear(weights, list(targets.columns), self.how)


class FittedLinear:
    def __init__(self, weights, targets, how):
        self.weights, self.targets, self.how = weights, targets, how

    def predict(self, features):
        if self.how == "fails":
            raise IndexError("too many")
        values = np.c_[np.ones(len(features)), features] @ self.weights
        mean = pd.DataFrame(values, columns=self.targets, index=features.index)
        if self.how == "nan":
            mean = mean * np.nan
        return Prediction(mean, mean[:-1] if self.how == "short" else 0.0 * mean)

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "weights.npz", weights=self.weights)


class Broken:
    def __init__(self, seed, how="no proposal"):
        self.how = how

    def ask(self, problem, history, n, rng):
        wrong = {
            "no proposal": (1,),
            "a number": Proposal(5, "x"),
            "texts": Proposal(("1",), "x"),
            "a fraction": Proposal((1.5,), "x"),
            "huge": Proposal((10**30,), "x"),
            "no origin": Proposal((1,), None),
            "not finite": Proposal((1,), "x", {"accuracy_1d": float("nan")}),
        }
        return [wrong[self.how]]
"""

ENTRY_POINTS = """\
[analognas.spaces]
perceptrons = {module}:Perceptrons
doubles = {module}:Doubles

[analognas.strategies]
narrowest = {module}:Narrowest
broken = {module}:Broken

[analognas.surrogates]
linear = {module}:Linear
nothing = {module}:Narrowest
"""

CONFIG = """\
name: foreign
task: {{kind: digits}}
space: {{kind: entry-point, name: {space}, options: {options}}}
training: {{digital: {{epochs: 1}}, hardware_aware: {{epochs: 1}}}}
evaluation: {{chips: 2, times: [1 s, 1 day, 1 month]}}
search: {{trials: 3, batch: 2, strategy: {{kind: entry-point, name: {strategy}, options: {start}}}}}
final: {{digital_epochs: 1, hardware_aware_epochs: 1, chips: 2}}
references: []
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch) -> Path:
    """A folder that holds another package, as pip leaves one, and that this process imports from."""
    site = tmp_path / "site"
    metadata = site / "foreign_nas-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "foreign_nas.py").write_text(CODE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-nas\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS.format(module="foreign_nas"))
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "foreign_nas", raising=False)
    return site


def configured(
    site: Path,
    space: str = "perceptrons",
    strategy: str = "narrowest",
    options: str = "{}",
    settings: str = "{}",
) -> Path:
    config = site.parent / "foreign.yaml"
    start = "{start: 2}" if strategy == "narrowest" else settings
    config.write_text(CONFIG.format(space=space, strategy=strategy, options=options, start=start))
    return config


def run(site: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return analognas("search", configured(site, **changes), *arguments, cwd=site.parent)


def test_a_foreign_space_is_searched_with_a_foreign_strategy(installed: Path) -> None:
    paths = os.pathsep.join([environment()["PYTHONPATH"], str(installed)])
    done = subprocess.run(
        command("search", configured(installed, options="{widest: 6}"), "--out", "run"),
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), "PYTHONPATH": paths},
        cwd=installed.parent,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = (installed.parent / "run" / "trials.jsonl").read_text().splitlines()
    trials = [json.loads(line) for line in lines]
    assert [trial["genotype"] for trial in trials] == [[2], [3], [4]]
    assert {trial["origin"] for trial in trials} == {"narrowest"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "perceptron"}, "no installed package offers the space 'perceptron'"),
        ({"space": "doubles"}, "`encode` must return float32 in column `width`, got float64"),
        ({"options": "{deepest: 3}"}, "unexpected keyword argument 'deepest'"),
        ({"strategy": "widest"}, "no installed package offers the strategy 'widest'"),
    ],
)
def test_what_is_wrong_with_it_is_one_line_before_anything_runs(
    installed: Path, changes: dict[str, str], message: str
) -> None:
    done = run(installed, "--dry-run", **changes)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "foreign.yaml:" in done.stderr


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no proposal", "must return a list of Proposal"),
        ("a number", "`genotype` must be a tuple of 1 integers"),
        ("texts", "`genotype` must be a tuple of 1 integers"),
        ("a fraction", "`genotype` must be a tuple of 1 integers"),
        ("huge", "not a genotype of the space"),
        ("no origin", "`origin` must be a text"),
        ("not finite", "`predicted` must map metrics to finite numbers"),
    ],
)
def test_a_strategy_that_breaks_its_contract_is_named(installed: Path, how: str, message: str) -> None:
    done = run(installed, "--out", "run", strategy="broken", settings=f"{{how: {how}}}")
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "the strategy 'broken'" in last
    assert message in last


GUIDED = """\
name: guided
task: {{kind: digits}}
space: {{kind: entry-point, name: perceptrons, options: {{widest: 40}}}}
training: {{digital: {{epochs: 1}}, hardware_aware: {{epochs: 1}}}}
evaluation: {{chips: 2, times: [1 s, 1 day, 1 month]}}
search:
  trials: 8
  batch: 2
  strategy:
    kind: surrogate-guided
    initial: 4
    iterations: 1
    population: 8
    surrogate: {{kind: entry-point, name: {name}, options: {options}}}
final: {{digital_epochs: 1, hardware_aware_epochs: 1, chips: 2}}
references: []
executor: {{kind: serial, threads: 1}}
"""


def guided(site: Path, *arguments: str, name: str, options: str) -> subprocess.CompletedProcess[str]:
    config = site.parent / "guided.yaml"
    config.write_text(GUIDED.format(name=name, options=options))
    return analognas("search", config, *arguments, cwd=site.parent)


def test_a_foreign_surrogate_guides_a_search_and_is_saved(installed: Path) -> None:
    done = guided(installed, "--out", "run", name="linear", options="{ridge: 0.1}")
    assert done.returncode == 0, done.stderr
    run = installed.parent / "run"
    trials = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert any("accuracy_1d" in trial["predicted"] for trial in trials)
    assert json.loads((run / "best" / "metrics.json").read_text())["surrogate"]["kind"] == "entry-point"
    assert "weights.npz" in (run / "surrogate" / "SHA256SUMS").read_text()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "linar",
            "{}",
            "no installed package offers the surrogate 'linar' in the group `analognas.surrogates`, did",
        ),
        ("linear", "{depth: 3}", "unexpected keyword argument 'depth'"),
        ("nothing", "{seed: 0}", "the surrogate 'nothing' (foreign_nas:Narrowest) must have a method `fit`"),
    ],
)
def test_a_surrogate_that_cannot_be_made_is_told_before_anything_runs(
    installed: Path, name: str, options: str, message: str
) -> None:
    done = guided(installed, "--dry-run", name=name, options=options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "guided.yaml:14:" in done.stderr
    assert "search.strategy.surrogate.name" in done.stderr
