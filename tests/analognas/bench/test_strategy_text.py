from __future__ import annotations

import pytest

from analognas.bench import BenchError
from analognas.bench.strategy_text import options_written_out, read_strategy, split_strategies
from analognas.strategies.entry_point import EntryPointStrategySpec
from analognas.strategies.specs import STRATEGIES, OptunaTPESpec, SurrogateGuidedSpec
from surrogates.gaussian_process import GaussianProcessSpec


def test_commas_in_brackets_and_quotes_part_nothing() -> None:
    text = "a(b=1, c={d: [2, 3]}), e , f(g='x,)')"
    assert split_strategies(text) == ["a(b=1, c={d: [2, 3]})", "e", "f(g='x,)')"]


def test_options_are_yaml_of_the_specification() -> None:
    label, spec = read_strategy(" optuna-tpe( initial = 40 ) ")
    assert label == "optuna-tpe(initial = 40)"
    assert spec == OptunaTPESpec(initial=40)
    for text in ("surrogate={kind: gaussian-process}", "surrogate.kind=gaussian-process"):
        _, spec = read_strategy(f"surrogate-guided({text}, refit_below: null, exploration=0.5)")
        assert spec == SurrogateGuidedSpec(surrogate=GaussianProcessSpec(), exploration=0.5)


def test_a_specification_is_written_as_it_is_read() -> None:
    for spec in (
        *(kind() for kind in STRATEGIES.values()),
        SurrogateGuidedSpec(surrogate=GaussianProcessSpec(), initial=5),
    ):
        assert type(read_strategy(options_written_out(spec))[1]) is type(spec)
    assert options_written_out(SurrogateGuidedSpec(initial=5)) == "surrogate-guided(initial=5)"
    assert options_written_out(EntryPointStrategySpec(name="mine", options={"a": 1})) == "mine(a=1)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optuna-tpe(initail=4)", r"^optuna-tpe\(initail=4\): initail: unknown key, did you mean `initial`"),
        ("optuna-tpe(initial=forty)", "initial: must be a whole number, got 'forty'"),
        ("optuna-tpe(initial=1)", "initial: must be >= 2, got 1"),
        ("optuna-tpe(initial=true)", "initial: must be a whole number, got true"),
        ("optuna-tpe(4)", "an option is written KEY=VALUE, got '4'"),
        ("optuna-tpe(initial=4, initial=5)", "initial: is given twice"),
        ("optuna-tpe(initial=!!python/name:os.system)", "initial: the value .* is not YAML: the tag"),
        ("optuna-tpe(initial=4", r"`\)` is missing"),
        ("optuna-tpe(initial=4)x", "is written NAME or NAME"),
        ("optuna-tpe)", r"`\)` closes nothing"),
        ("optuna-tpe(a='4)", "`'` is missing"),
        ("surrogate-guided(surrogate.kind=x, surrogate=3)", "surrogate: is given twice"),
        ("surrogate-guided(surrogate=3, surrogate.kind=x)", "`surrogate` is a value already"),
        ("surrogate-guided(surrogate={kind: gausian-process})", "surrogate.kind: unknown kind .*gaussian-process"),
        ("regularized-evolution(population=3, tournament=5)", "tournament: `tournament <= population` must hold"),
        ("random(seed=1)", r"random\(seed=1\): seed: the strategy takes no options"),
        ("", "unknown strategy '': choose of random"),
    ],
)  # fmt: skip
def test_mistakes_name_strategy_option_and_remedy(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message) as caught:
        for part in split_strategies(text):
            read_strategy(part)
    assert "\n" not in str(caught.value)
