from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import analognas
from analognas.bench import BenchError, run_benchmark, synthetic_table
from analognas.bench.contender import contenders
from analognas.errors import UserError
from analognas.strategies import Proposal
from analognas.strategies.specs import OptunaTPESpec, RandomSpec
from search_spaces import genotypes


class Smallest:
    """Proposes the smallest of random candidates; remembers its seed."""

    def __init__(self, seed: int, drawn: int = 60) -> None:
        self.seed, self.drawn = seed, drawn

    def ask(self, problem, history, n, rng):
        drawn = np.unique(problem.space.sample(self.drawn, rng), axis=0)
        small = drawn[np.argsort(problem.space.parameters(drawn), kind="stable")]
        return [
            Proposal(genotype, "smallest") for genotype in genotypes(small) if genotype not in history.seen()
        ][:n]


class Outside(Smallest):
    def ask(self, problem, history, n, rng):
        return [Proposal((1, 2), "outside")]


class NoAsk:
    pass


def fails(seed: int) -> Smallest:
    raise RuntimeError("no luck")


@pytest.fixture(scope="module")
def table():
    return synthetic_table()


def test_every_form_of_a_strategy_has_a_label_of_its_own() -> None:
    forms = [
        "optuna-tpe(initial=5), random",
        OptunaTPESpec(initial=40),
        RandomSpec,
        Smallest,
        partial(Smallest, drawn=9),
    ]
    with pytest.raises(BenchError, match=r"give `RandomSpec\(\)`"):
        contenders(forms)
    del forms[2]
    labels = [contender.label for contender in contenders(forms)]
    assert labels == [
        "optuna-tpe(initial=5)", "random", "optuna-tpe(initial=40)", "Smallest", "Smallest(drawn=9)"
    ]  # fmt: skip
    assert [contender.label for contender in contenders({"a": "random", "b": "random"})] == ["a", "b"]
    assert [contender.label for contender in contenders(Smallest(1))] == ["Smallest"]


def test_a_class_gets_each_seed_and_an_object_is_taken_as_it_is() -> None:
    (by_class,), (by_object,) = contenders([Smallest]), contenders([Smallest(7)])
    assert by_class.build(3).strategy.seed == 3
    assert by_object.build(3).strategy.seed == 7


def test_two_settings_and_own_strategies_side_by_side(table) -> None:
    result = analognas.run_benchmark(
        table, ["random", Smallest, partial(Smallest, drawn=9)], budget=12, seeds=2
    )
    assert set(result.curves) == {"random", "Smallest", "Smallest(drawn=9)"}
    again = run_benchmark(table, {"mine": Smallest}, budget=12, seeds=2)
    np.testing.assert_array_equal(again.curves["mine"], result.curves["Smallest"])


def test_workers_need_what_they_can_import(table) -> None:
    with pytest.raises(BenchError, match=r"`workers=1` must hold here, got 2: .*<lambda>"):
        run_benchmark(table, [lambda seed: Smallest(seed)], budget=5, seeds=2, workers=2)


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        (NoAsk, "must have a method `ask.*the class NoAsk has none"),
        ({"x": NoAsk()}, "or objects with `ask`, got <"),
        (fails, "the strategy 'fails' cannot be made: RuntimeError: no luck"),
        (lambda seed: None, "must have a method `ask.*got None"),
        (Outside, r"`ask` of the strategy 'Outside' returned .*: `genotype` must be a tuple of \d+ integers"),
        (3, "or objects with `ask`, got 3"),
        ("random, random", "two strategies are called 'random': remove one"),
        ("rendom(a=1)", "unknown strategy 'rendom', did you mean random"),
        ([], "name at least one"),
    ],
)
def test_what_is_no_strategy(strategies, message: str, table) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run_benchmark(table, strategies, budget=5, seeds=2)
    assert "\n" not in str(caught.value)


def test_what_is_no_table() -> None:
    with pytest.raises(BenchError, match=r"`table` must be a BenchTable.*got 'synthetic'"):
        run_benchmark("synthetic", "random", budget=5, seeds=2)
