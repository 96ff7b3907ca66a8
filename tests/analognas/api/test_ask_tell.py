"""A problem on its own, and a search in a loop of one's own."""

import math

import pytest
import torch
from torch import nn

import analognas
import hwsim
from analognas.errors import EvaluationError
from tests.analognas.api.own_parts import TINY, Perceptrons, WidestFirst, arrays


def problem(**changes) -> analognas.Problem:
    return analognas.Problem(
        **{"task": arrays(), "space": Perceptrons(), "strategy": "random", **TINY, **changes}
    )


def worth(candidate) -> float:
    return candidate.costs["parameters"] / 5_000


def test_a_sample_meets_the_bounds_and_comes_back() -> None:
    tight = problem(constraints={"parameters": 400})
    first, again = tight.sample(6), tight.sample(6)
    assert [found.genotype for found in first] == [found.genotype for found in again]
    assert all(found.costs["parameters"] <= 400 for found in first)
    assert len(tight.sample(500)) == len({found.genotype for found in tight.sample(500)}) < 40
    with pytest.raises(analognas.UserError, match="`n >= 0`"):
        tight.sample(-1)


def test_a_candidate_is_evaluated_as_a_search_does_it(tmp_path) -> None:
    own = problem(executor="serial")
    run = analognas.search(
        task=arrays(),
        space=Perceptrons(),
        strategy="random",
        executor="serial",
        out=tmp_path / "run",
        observer="silent",
        **TINY,
    )
    trial = run.directory.trials()[0]
    found = own.evaluate(trial.genotype)
    assert found.metrics == dict(trial.metrics)
    assert found.curve.accuracy.tolist() == [list(row) for row in trial.curve.accuracy]
    assert own.evaluate(found.candidate, seed=7).seconds > 0


def test_what_is_no_candidate_is_told() -> None:
    own = problem(constraints={"parameters": 400})
    for wrong in ((1, 2), "resnet8", {"genes": [39]}, 3):
        with pytest.raises(analognas.UserError, match=r"^`candidate`"):
            own.candidate(wrong)
    assert own.candidate({"genes": [4]}).genotype == (4,)


class BreaksInBatches(nn.Module):
    """Runs a few images, as whoever counts its operations does, and no batch of a training."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 8:
            raise RuntimeError("no batches")
        return x


def test_a_training_that_fails_is_an_error_of_the_evaluation() -> None:
    class Broken(Perceptrons):
        def build(self, genotype):
            return nn.Sequential(BreaksInBatches(), super().build(genotype))

    with pytest.raises(EvaluationError, match="no batches"):
        problem(space=Broken()).evaluate((13,))


def test_asking_and_telling_is_a_search() -> None:
    search = analognas.Search(problem(strategy=WidestFirst()))
    for _ in range(3):
        for candidate in search.ask(2):
            assert candidate.origin == "widest-first"
            search.tell(candidate, worth(candidate))
    assert len(search) == 6
    assert search.best.metrics["parameters"] == search.trials()["parameters"].max()
    with pytest.raises(analognas.UserError, match="in memory has no run"):
        search.run  # noqa: B018


def test_a_search_on_disk_goes_on_with_what_was_not_told(tmp_path) -> None:
    own = problem()
    search = analognas.Search(own, out=tmp_path / "run")
    first = search.ask(3)
    assert not {found.genotype for found in first} & {found.genotype for found in search.ask(2)}
    search.tell(first[1], {"accuracy_1d": 0.75, "avm": 0.02})
    again = analognas.Search(own, out=tmp_path / "run")
    assert len(again) == 1
    assert [found.genotype for found in again.ask(2)] == [first[0].genotype, first[2].genotype]
    again.tell(first[0], failed="the chip broke")
    assert list(again.run.trials()["status"]) == ["completed", "failed"]
    with pytest.raises(analognas.UserError, match="has 2 trials, this search knows 1: another process"):
        search.tell(first[2], 0.5)
    with pytest.raises(analognas.UserError, match=r"another search:\nseed: 0 in the run, now 1"):
        analognas.Search(problem(seed=1), out=tmp_path / "run")


def test_an_evaluation_and_a_curve_can_be_told() -> None:
    own = problem(evaluation={"chips": 2})
    search = analognas.Search(own)
    first, second = search.ask(2)
    measured = own.evaluate(first)
    assert dict(search.tell(first, measured).metrics) == dict(measured.metrics)
    assert search.tell(second, measured.curve).metrics["accuracy_1d"] == measured.metrics["accuracy_1d"]
    (third,) = search.ask()
    with pytest.raises(analognas.UserError, match="must have 1 s, 1 day and 1 month"):
        search.tell(third, hwsim.DriftCurve((60.0,), measured.curve.accuracy[:1]))


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({}, "`metrics` must have `accuracy_1d`, which the search improves, got nothing"),
        (0.5, "`metrics` must have `avm`, which the search bounds, got accuracy_1d"),
        (math.nan, "must hold, got nan"),
        (1.5, "`0 <= accuracy_1d <= 1` must hold, got 1.5"),
        ({"accuracy_1d": 0.5, "avm": 0.0, "bits_1d": 2}, "`bits_1d`, and arrays has one label for an input"),
        ({"acuracy_1d": 0.5}, "`acuracy_1d`, which is no metric, did you mean `accuracy_1d`?"),
        ("high", "`accuracy_1d` must be a number, got 'high'"),
        (None, "`metrics` must be given, or `failed`"),
    ],
)
def test_figures_that_cannot_be_are_refused_and_nothing_is_lost(metrics, message) -> None:
    search = analognas.Search(problem(constraints={"parameters": 5_000, "avm": 0.05}))
    (candidate,) = search.ask()
    with pytest.raises(analognas.UserError, match=message):
        search.tell(candidate, metrics)
    search.tell(candidate, {"accuracy_1d": 0.5, "avm": 0.01})
    with pytest.raises(analognas.UserError, match="told already: it is trial 1"):
        search.tell(candidate, {"accuracy_1d": 0.5, "avm": 0.01})


def test_a_candidate_that_nobody_asked_for_is_refused() -> None:
    search = analognas.Search(problem())
    with pytest.raises(analognas.UserError, match=r"never asked for: `search.start_from`"):
        search.tell((39,), 0.5)
    for n in (0, True, 1.5):
        with pytest.raises(analognas.UserError, match="`n >= 1`"):
            search.ask(n)
    with pytest.raises(analognas.UserError, match="belongs to the problem"):
        analognas.Search(problem(), space=Perceptrons())
