from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analognas.bench import BenchError, BenchTable, open_table, run_benchmark
from analognas.bench.gene_space import GeneSpace
from analognas.bench.names import read_bounds
from analognas.bench.simulate import search_table
from analognas.strategies import History, Objective, Proposal, SearchProblem
from analognas.strategies.recommendation import recommended
from analognas.strategies.specs import RandomSpec, SurrogateGuidedSpec
from tests.analognas.cli.command_line import invoke

GENES = list(product("ab", ("1", "10", "2"), ("x", "y")))


def write(path: Path, noise: float = 0.0, runs: int = 3, extra: str = "") -> Path:
    rng = np.random.default_rng(0)
    lines = [
        ",".join(
            [
                "gene_op",
                "gene_width",
                "gene_end",
                *(f"accuracy@{run}" for run in range(runs)),
                "parameters",
                "nj",
            ]
        )
    ]
    for number, (op, width, end) in enumerate(GENES):
        values = [80 + number + noise * rng.standard_normal() for _ in range(runs)]
        lines.append(
            ",".join(
                [op, width, end, *(f"{value:.3f}" for value in values), str(100 * (1 + number)), str(number)]
            )
        )
    path.write_text("\n".join(lines) + "\n" + extra, encoding="utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> BenchTable:
    return open_table(str(write(tmp_path / "macro.csv")), "accuracy")


def test_genes_are_read_in_order_of_their_values(table: BenchTable) -> None:
    assert len(table) == 12
    assert table.trainings == 3
    np.testing.assert_array_equal(table.values, 80 + np.arange(12))
    space = table.space
    assert space.describe(tuple(table.population[5].tolist())) == {"op": "a", "width": "2", "end": "y"}
    # numbers by size: 1, 2, 10
    assert space.parse({"op": "b", "width": "10", "end": "x"}) == (1, 2, 0)
    with pytest.raises(BenchError, match="`width` must be one of 1, 2, 10, got '3'"):
        space.parse({"op": "b", "width": "3", "end": "x"})


def test_costs_of_the_table_are_those_of_its_candidates_and_features(table: BenchTable) -> None:
    assert table.space.parameters(table.population).tolist() == [100 * (1 + number) for number in range(12)]
    features = table.space.encode(table.population)
    assert list(features.columns) == [
        *("op=a", "op=b", "width=1", "width=2", "width=10", "end=x", "end=y", "log_parameters", "log_nj")
    ]
    np.testing.assert_allclose(features["log_parameters"], np.log(100 * (1 + np.arange(12))), rtol=1e-6)


def test_a_bound_on_parameters_is_one_of_the_search(table: BenchTable) -> None:
    bounded = table.bounded({"parameters": 650})
    assert bounded.problem.upper_bounds == {"parameters": 650}
    assert bounded.best == 85
    assert bounded.regret(bounded.population[[0, 5]]).tolist() == [5, 0]
    assert (len(bounded), bounded.n_admissible) == (12, 6)
    curve = search_table(bounded, RandomSpec().build(0), budget=6, batch=2, seed=0)
    assert curve[-1] == 0  # all six admissible rows were evaluated, and none else


def test_rows_above_a_bound_on_another_column_are_left_out(table: BenchTable) -> None:
    bounded = table.bounded({"nj": 3})
    assert len(bounded) == 4
    assert bounded.rejected == {"`nj` is above 3": 8}
    assert bounded.best == 83


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"parametres": 5}, "no cost 'parametres' to bound, did you mean `parameters`?"),
        ({"macs": 5}, "no cost 'macs' to bound"),
        ({"parameters": 0}, "a bound must be above 0, got parameters=0"),
        ({"parameters": 150}, "at least 2 rows must keep the bounds, got 1; raise a bound"),
        ({"nj": 0.5}, "at least 2 rows must keep the bounds, got 1; raise a bound"),
    ],
)
def test_unusable_bounds(table: BenchTable, bounds: dict[str, float], message: str) -> None:
    with pytest.raises(BenchError, match=message.replace("?", r"\?")):
        table.bounded(bounds)


def test_one_run_shows_single_trainings_and_not_their_mean(tmp_path: Path) -> None:
    table = open_table(str(write(tmp_path / "noisy.csv", noise=2.0)), "accuracy")
    shown = np.array([table.one_run(table.population, np.random.default_rng(seed)) for seed in range(40)])
    assert table.runs is not None
    for row in range(len(table)):
        assert set(shown[:, row]) == set(table.runs[row])
    np.testing.assert_allclose(table.values, table.runs.mean(axis=1))


def test_a_missing_training_is_never_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "holes.csv", noise=2.0)
    frame = pd.read_csv(path, dtype=str)
    frame.loc[0, "accuracy@1"] = ""
    frame.to_csv(path, index=False)
    table = open_table(str(path), "accuracy")
    shown = {table.one_run(table.population[:1], np.random.default_rng(seed))[0] for seed in range(40)}
    assert len(shown) == 2 and np.isfinite(list(shown)).all()


class Named:
    """Returns what it believes in, whatever was measured."""

    def __init__(self, row: int) -> None:
        self.row = row

    def ask(
        self, problem: SearchProblem, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        return [Proposal(tuple(row), "all") for row in self.all[len(history) : len(history) + n]]

    def posterior_worth(
        self, problem: SearchProblem, history: History, rng: np.random.Generator
    ) -> np.ndarray:
        return np.where(np.arange(len(history)) == self.row, 1.0, 0.0)

    all: list[list[int]]


def test_regret_of_one_run_is_that_of_what_is_returned(table: BenchTable) -> None:
    strategy = Named(row=2)
    strategy.all = table.population.tolist()
    curve = search_table(table, strategy, budget=4, batch=4, seed=0, look_up="one-run")
    assert curve.tolist() == [11, 10, 9, 9]  # the best measured so far; at the end of the batch, row 2
    assert search_table(table, strategy, budget=4, batch=4, seed=0).tolist() == [11, 10, 9, 8]


def test_a_surrogate_does_not_return_a_lucky_figure() -> None:
    rng = np.random.default_rng(0)
    space = GeneSpace(tuple("abcdef"), (("0", "1"),) * 6)
    population = np.unique(space.sample(200, rng), axis=0)[:24]
    truth = population.sum(axis=1).astype(np.float64)
    measured = truth + 0.3 * rng.standard_normal(len(truth))
    lucky = int(np.argmin(truth))
    measured[lucky] = truth.max() + 1.0
    history = History(population, pd.DataFrame({"accuracy_1d": measured}), population[:0])
    problem = SearchProblem(space, Objective("accuracy_1d", 1), {})
    row = recommended(SurrogateGuidedSpec().build(0), problem, history, np.random.default_rng(1))
    assert row != lucky
    assert truth[row] == truth.max()
    assert recommended(RandomSpec().build(0), problem, history, rng) == lucky


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            "gene_a,accuracy@0\n0,1\n1,2\n",
            "acuracy",
            "no column 'acuracy' to search, did you mean `accuracy`?",
        ),
        ("gene_a,accuracy@0\n0,1\n1,\n", "accuracy", "got 1; left out: 1, no training has a finite value"),
        ("gene_a,accuracy@0\n0,1\n,2\n", "accuracy", "got 1; left out: 1, a gene is empty"),
        ("gene_a,accuracy\n0,1\n0,2\n", "accuracy", "got 1; left out: 1, the same network as an earlier row"),
        ("gene_a,accuracy,nj\n0,1,\n1,2,3\n", "accuracy", "got 1; left out: 1, the cost 'nj' is not finite"),
    ],
)
def test_unusable_tables(tmp_path: Path, text: str, target: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BenchError, match=message.replace("?", r"\?")):
        open_table(str(path), target)


def test_one_run_needs_several_trainings(tmp_path: Path) -> None:
    table = open_table(str(write(tmp_path / "single.csv", runs=1)), "accuracy")
    with pytest.raises(BenchError, match="`one-run` needs candidates of several trainings"):
        run_benchmark(table, "random", budget=4, seeds=2, look_up="one-run")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["parameters"], "written COST=VALUE, such as parameters=1e6, got 'parameters'"),
        (["parameters=many"], "written COST=VALUE"),
        (["a=1", "a=2"], "'a' is bounded twice: 1 and 2"),
    ],
)
def test_unreadable_bounds(texts: list[str], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        read_bounds(texts)


def test_the_command_takes_bounds_and_look_ups(tmp_path: Path) -> None:
    path = write(tmp_path / "noisy.csv", noise=1.0)
    arguments = ["bench", "--table", str(path), "--target", "accuracy", "--strategies", "random"]
    options = ["--budget", "5", "--seeds", "3", "--bound", "parameters=800", "--look-up", "one-run"]
    result = invoke(*arguments, *options)
    assert result.exit_code == 0, result.output
    assert "bound: parameters <= 800" in result.output
    assert "regret of what is returned" in result.output


def test_the_hypercube_and_the_mutants_are_of_the_space() -> None:
    space = GeneSpace(("a", "b", "c"), (("0", "1", "2"), ("0", "1"), ("0",)))
    rng = np.random.default_rng(0)
    design = space.latin_hypercube(6, rng)
    assert [np.bincount(design[:, gene]).tolist() for gene in range(3)] == [[2, 2, 2], [3, 3], [6]]
    mutants = space.mutate(design, rng)
    assert ((mutants != design).sum(axis=1) == 1).all()
    assert (mutants < space.sizes).all()
