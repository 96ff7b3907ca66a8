"""Searches with several objectives, from the configuration to the report."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from analognas.driver.selection import choose
from analognas.errors import UserError
from analognas.metrics import METRICS, SIGNS
from analognas.specs.metric_name import MetricName
from analognas.strategies.problem import Objective, SearchProblem
from analognas.strategies.scalarisation import SCALARISED
from analognas.strategies.specs import SELECTABLE
from analognas.strategies.start_from import given_candidate
from analognas.strategies.worth import TRIAL
from search_spaces import ResNetSpace, genotypes
from tests.analognas.parse import parse_config
from tests.analognas.small_search import SMALL, TINY, analognas, write_small

START = "[{OC0: 9, KS0: 3, M: 1, blocks: [{R: 1, B: 1, CT: B, WF: 1, skip: true}]}]"
FRONT = TINY.replace("constraints:", "further_objectives: [parameters, avm]\nchoice: knee\nconstraints:")
FRONT = FRONT.replace("  batch: 2\n", f"  batch: 2\n  start_from: {START}\n")


def test_a_search_ends_with_a_front_and_its_knee(tmp_path: Path) -> None:
    done = analognas("search", write_small(tmp_path, FRONT), "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    trials = [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]
    assert trials[0]["origin"] == "given"
    assert trials[0]["architecture"]["OC0"] == 9
    assert not any(SCALARISED in trial["predicted"] for trial in trials)
    front = pd.read_csv(run / "pareto.csv")
    for _, row in front.iterrows():
        for trial in trials:
            other = trial["metrics"]
            assert not (
                other["accuracy_1d"] > row["accuracy_1d"]
                and other["parameters"] < row["parameters"]
                and other["avm"] < row["avm"]
            )
    built = json.loads((run / "best" / "architecture.json").read_text())["architecture"]
    assert built in [json.loads(text) for text in front["architecture"]]
    curve = pd.read_csv(run / "hypervolume.csv")
    assert curve["number"].tolist() == list(range(1, 6))
    assert (np.diff(curve["hypervolume"]) >= 0).all()
    assert "Pareto front</h2>" in (run / "report.html").read_text()


@pytest.mark.parametrize("kind", [kind for kind, spec in SELECTABLE.items() if not spec.multi_objective])
def test_a_strategy_for_one_objective_is_refused(kind: str) -> None:
    text = f"task: {{kind: digits}}\nfurther_objectives: [avm]\nsearch: {{strategy: {{kind: {kind}}}}}\n"
    with pytest.raises(UserError, match=f"{kind}` improves one objective alone"):
        parse_config(text, Path())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("further_objectives: [accuracy_1d]", "objectives must differ"),
        ("further_objectives: [avm, avm]", "objectives must differ"),
        ("further_objectives: [speed]", "got 'speed'"),
        ("choice: knee", "choice: `knee` needs `further_objectives`"),
    ],
)
def test_bad_objectives(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_config(f"task: {{kind: digits}}\n{text}\n", Path())


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("[resnet8]", "'resnet8' is a network of its own kind"),
        ("[resnet33]", "there is no published network 'resnet33', did you mean `resnet32`?"),
        (
            "[{name: resnet32}]",
            "a published network is named by a plain text: `resnet32`, not `name: resnet32`",
        ),
        ("[best/architecture.json]", "write the content of 'best/architecture.json' here"),
        ("[{OC0: 8}]", "missing KS0, M, blocks"),
        (START.replace("OC0: 9", "OC0: 12").replace("WF: 1", "WF: 2"), "`parameters <= 5,000` must hold"),
    ],
)
def test_a_start_that_is_no_candidate_is_refused(start: str, message: str, tmp_path: Path) -> None:
    text = SMALL.replace("  batch: 2\n", f"  batch: 2\n  start_from: {start}\n")
    path = write_small(tmp_path, text.replace("parameters: 20000", "parameters: 5000"))
    done = analognas("search", path, "--dry-run")
    assert done.returncode == 2
    assert message in done.stderr
    assert "search.start_from[0]" in done.stderr


def test_a_search_starts_from_the_whole_architecture_file_of_another(tmp_path: Path) -> None:
    space = ResNetSpace(input_shape=(1, 8, 8), n_classes=10)
    problem = SearchProblem(space, Objective("accuracy_1d", 1), {})
    genotype = genotypes(space.sample(1, np.random.default_rng(0)))[0]
    written = {
        "architecture": space.describe(genotype),
        "genotype": list(genotype),
        "task": {"kind": "digits"},
    }
    assert given_candidate(problem, written) == genotype
    assert given_candidate(problem, written["architecture"]) == genotype
    reference = {**written, "architecture": {"name": "analognas-cifar10-t100"}, "genotype": None}
    assert given_candidate(problem, reference) == given_candidate(problem, "analognas-cifar10-t100")
    with pytest.raises(ValueError, match="'resnet8' is a network of its own kind"):
        given_candidate(problem, {**reference, "architecture": {"name": "resnet8"}})


def test_choosing_among_no_trials() -> None:
    assert choose([Objective("accuracy_1d", 1)], {}, [], "knee", TRIAL) is None


def test_every_recorded_metric_can_be_an_objective() -> None:
    names = TypeAdapter(MetricName)
    assert [names.validate_python(name) for name in METRICS] == list(SIGNS) == names.json_schema()["enum"]
    with pytest.raises(ValidationError, match="did you mean `avm`"):
        names.validate_python("avn")
