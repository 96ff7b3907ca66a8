"""What a comparison consists of: configurations, directories, the order of the searches, and what is refused."""

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from analognas.comparison.plan import ComparisonPlan, plan_comparison
from analognas.config.document import parse_document
from analognas.config.loader import dump_config
from analognas.errors import UserError
from analognas.record.directory import create_run
from analognas.strategies.entry_point import EntryPointStrategySpec
from analognas.strategies.specs import (
    AnalogNASSpec,
    LocalSearchSpec,
    NSGA2Spec,
    OptunaTPESpec,
    RandomSpec,
    SurrogateGuidedSpec,
)
from surrogates.gaussian_process import GaussianProcessSpec
from tests.analognas.comparison.builders import a_comparison, a_plan, an_outcome
from tests.analognas.parse import parse_config
from tests.analognas.small_search import SMALL


def test_seeds_come_first_so_that_what_is_there_early_can_be_compared(tmp_path) -> None:
    plan = a_plan(tmp_path / "out", seeds=[7, 3])
    order = [("surrogate-guided", 7), ("random", 7), ("surrogate-guided", 3), ("random", 3)]
    assert [(run.strategy, run.seed) for run in plan.runs] == order
    assert [run.config.seed for run in plan.runs] == [7, 7, 3, 3]
    assert plan.runs[1].path == tmp_path / "out" / "random" / "seed-7"
    assert not (tmp_path / "out").exists()


def test_the_files_own_strategy_keeps_its_settings_and_others_take_what_they_know(tmp_path) -> None:
    plan = a_plan(tmp_path / "out", ["surrogate-guided", "random", "local-search", "analognas"], seeds=1)
    own, random, local, published = (run.config.search.strategy for run in plan.runs)
    assert own == SurrogateGuidedSpec(initial=5, population=20, iterations=2)
    assert random == RandomSpec()
    assert local == LocalSearchSpec(initial=5)
    assert published == AnalogNASSpec(initial=5, population=20, iterations=2)
    assert all(run.config.search.trials == 8 for run in plan.runs)


def test_a_section_of_another_strategy_is_not_taken_along(tmp_path) -> None:
    text = SMALL.replace("iterations: 2", "iterations: 2, surrogate: {kind: gaussian-process}")
    plan = plan_comparison(
        parse_document(text, "x"), Path(), ["surrogate-guided", "analognas"], 1, tmp_path / "o"
    )
    own, published = (run.config.search.strategy for run in plan.runs)
    assert isinstance(own, SurrogateGuidedSpec)
    assert own.surrogate.kind == "gaussian-process"
    assert published == AnalogNASSpec(initial=5, population=20, iterations=2)


def test_designs_are_those_of_the_strategies_and_of_the_first_where_one_has_none(tmp_path) -> None:
    assert a_plan(tmp_path / "a").design == {"surrogate-guided": 5, "random": 5}
    assert a_plan(tmp_path / "b", ["random", "local-search"]).design == {"random": 8, "local-search": 5}
    text = SMALL.replace("trials: 8", "trials: 40").replace("population: 20, ", "")
    plan = plan_comparison(parse_document(text, "x"), Path(), ["nsga2", "latin-hypercube"], 1, tmp_path / "c")
    assert plan.design == {"nsga2": NSGA2Spec().population, "latin-hypercube": 64}


def test_two_settings_of_one_strategy_are_two_strategies(tmp_path) -> None:
    """They are read as `analognas bench` reads them, and laid over the settings that the file has for this kind."""
    written = [
        "surrogate-guided, surrogate-guided(initial=6, surrogate={kind: gaussian-process})",
        "optuna-tpe(initial=4)",
    ]
    plan = a_plan(tmp_path / "out", written, seeds=1)
    first, second, third = plan.runs
    assert plan.strategies == (
        "surrogate-guided",
        "surrogate-guided(initial=6, surrogate={kind: gaussian-process})",
        "optuna-tpe(initial=4)",
    )
    assert first.config.search.strategy == SurrogateGuidedSpec(initial=5, population=20, iterations=2)
    assert second.config.search.strategy == SurrogateGuidedSpec(
        initial=6, population=20, iterations=2, surrogate=GaussianProcessSpec()
    )
    assert third.config.search.strategy == OptunaTPESpec(initial=4)
    folders = [run.path.parent.name for run in plan.runs]
    assert folders == [
        "surrogate-guided",
        "surrogate-guided-initial-6-surrogate-kind-gaussian-process",
        "optuna-tpe-initial-4",
    ]
    assert plan.design == {
        name: run.config.search.strategy.design for name, run in zip(plan.strategies, plan.runs, strict=True)
    }
    labelled = a_plan(
        tmp_path / "out", {"few": "optuna-tpe(initial=4)", "many": "optuna-tpe(initial=7)"}, seeds=1
    )
    assert [run.config.search.strategy.design for run in labelled.runs] == [4, 7]
    assert [run.path.parent.name for run in labelled.runs] == ["few", "many"]


def test_an_installed_strategy_is_named_like_a_built_in_one(tmp_path, monkeypatch) -> None:
    offered = [EntryPoint("theirs", "their_package:Theirs", "analognas.strategies")]
    monkeypatch.setattr("analognas.bench.strategy_text.entry_points", lambda group: offered)
    (run,) = a_plan(tmp_path / "out", ["theirs(start=2)"], seeds=1).runs
    assert run.config.search.strategy == EntryPointStrategySpec(name="theirs", options={"start": 2})
    assert run.path == tmp_path / "out" / "theirs-start-2" / "seed-0"


@pytest.mark.parametrize(
    ("strategies", "seeds", "told"),
    [
        ([], 2, "`strategies` must be a list of names"),
        (["surrogate-guidde"], 2, "unknown strategy 'surrogate-guidde', did you mean surrogate-guided?"),
        (["random", "random"], 2, "each must be named once, got random, random"),
        ("random", 2, "`strategies` must be a list of names"),
        (None, 2, "`strategies` must be a list of names"),
        (["random", object()], 2, "an object needs a label"),
        (["random"], 0, "such as 3,7,11, got 0; [0] is the seed 0 alone"),
        (["random"], 1001, "got 1001; [1001] is the seed 1001 alone"),
        (["random"], -1, "such as 3,7,11, got -1"),
        (
            ["optuna-tpe(initial=4)", "optuna-tpe(initial=4)"],
            1,
            "each must be named once, got optuna-tpe(initial=4)",
        ),
        (["optuna-tpe(initial=4"], 1, "`strategies`: optuna-tpe(initial=4: `)` is missing"),
        (["optuna-tpe(initial=4)x"], 1, "`strategies`: optuna-tpe(initial=4)x: a strategy is written NAME"),
        (["optuna-tpe(initial=4, initial=5)"], 1, "initial: is given twice"),
        (
            ["optuna-tpe(initail=4)"],
            1,
            "strategy optuna-tpe(initail=4): search.strategy.initail: unknown key",
        ),
        (["optuna-tpe(initial=forty)"], 1, "search.strategy.initial: must be a whole number, got 'forty'"),
        (["random(seed=1)"], 1, "search.strategy.seed: unknown key"),
        (
            ["optuna-tpe(initial=4)", "optuna-tpe(initial:4)"],
            1,
            "needs a folder of its own, and `optuna-tpe-initial-4`",
        ),
        ({"mine": "randon"}, 1, "`strategies`: unknown strategy 'randon', did you mean random?"),
        ([","], 1, "`strategies` must be a list of names"),
        (["random"], True, "`seeds` must be how many"),
        (["random"], "3", "`seeds` must be how many"),
        (["random"], 2.5, "`seeds` must be how many"),
        (["random"], [], "`seeds` must be how many"),
        (["random"], [1, -1], "such as 3,7,11, got [1, -1]"),
        (["random"], [1, 1.5], "such as 3,7,11, got [1, 1.5]"),
        (["random"], [4, 2, 4], "different whole numbers"),
        (["nsga2"], 1, "nsga2, seed 0: "),
    ],
)
def test_what_does_not_fit_is_told_before_anything_runs(tmp_path, strategies, seeds, told) -> None:
    text = SMALL.replace("population: 20, ", "")
    with pytest.raises(UserError) as error:
        plan_comparison(parse_document(text, "x"), Path(), strategies, seeds, tmp_path / "out")
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_directory_of_something_else_is_refused(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: is a file; choose another directory with `out`"):
        a_plan(tmp_path / "file")
    create_run(tmp_path / "run", SMALL, {})
    with pytest.raises(UserError, match=r"run: is in use, and no comparison \(comparison.json\)"):
        a_plan(tmp_path / "run")
    own = tmp_path / "lost" / "random" / "seed-1"
    plan = a_plan(tmp_path / "lost")
    create_run(own, dump_config(plan.runs[3].config), {})
    assert a_plan(tmp_path / "lost") == plan, "comparison.json can be made again"


def test_searches_that_would_vanish_from_the_table_are_named(tmp_path) -> None:
    out = tmp_path / "out"
    plan = a_plan(out)
    out.mkdir()
    runs = [an_outcome(run, 0.9) for run in plan.runs]
    plan.record.write_text(json.dumps(a_comparison(plan, runs).to_json()))
    a_plan(out, seeds=3)
    with pytest.raises(
        UserError,
        match=r"comparison.json: has 4 searches, and 3 of them would be lost from it, such as random, seed 1",
    ):
        a_plan(out, ["random"], seeds=1)
    plan.record.write_text("damaged")
    assert a_plan(out, ["random"], seeds=1).strategies == ("random",), "it is made again"


def test_a_run_that_began_as_another_search_is_refused_in_a_line(tmp_path) -> None:
    out = tmp_path / "out"
    config = parse_config(SMALL.replace("epochs: 3", "epochs: 9"), tmp_path)
    create_run(out / "surrogate-guided" / "seed-3", dump_config(config), {})
    (out / "comparison.json").touch()
    a_plan(out, seeds=2)
    with pytest.raises(UserError) as error:
        a_plan(out, seeds=4)
    assert str(error.value).count("\n") == 0
    path = out / "surrogate-guided" / "seed-3"
    assert str(error.value).startswith(f"{path}: this run began as another search: ")
    assert "epochs: 9 in the run, now 3" in str(error.value)


def test_a_search_goes_on_with_the_bounds_on_size_that_its_run_took(tmp_path) -> None:
    text, out = SMALL.replace("constraints: {parameters: 20000}\n", ""), tmp_path / "out"

    def plan() -> ComparisonPlan:
        return plan_comparison(parse_document(text, "x"), Path(), ["surrogate-guided", "random"], 1, out)

    begun, other = plan().runs
    assert not begun.config.constraints.says_size
    taken = begun.config.with_bounds({"parameters": 77_898, "macs": 763_520})
    create_run(begun.path, dump_config(taken), {"size_bounds": "those of resnet8"})
    begun, other = plan().runs
    assert begun.config == taken
    assert not other.config.constraints.says_size
