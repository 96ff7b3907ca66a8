from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.stats import t as student

from analognas.bench import (
    BenchResult,
    open_table,
    read_cell_table,
    regret_svg,
    run_benchmark,
    strategies_named,
    synthetic_table,
)
from analognas.bench.benchmark import mean_and_half_width
from analognas.bench.ranking import better, holm, rank
from analognas.bench.simulate import search_table
from analognas.strategies import History, Proposal
from analognas.strategies.specs import STRATEGIES, LocalSearchSpec, RandomSpec
from search_spaces.nasbench201 import NasBench201Space, to_arch

CELLS = NasBench201Space(merge_isomorphic=False).latin_hypercube(80, np.random.default_rng(0))


def write_codes(path: Path, extra: str = "") -> Path:
    rows = [f'"{tuple(cell)}",{80 + cell[0] + cell[5] / 10} ± 0.50' for cell in CELLS.tolist()]
    path.write_text("architecture,accuracy\n" + "\n".join(rows) + "\n" + extra, encoding="utf-8")
    return path


class TestCellTable:
    def test_reads_codes_and_the_mean_of_mean_and_spread(self, tmp_path: Path) -> None:
        table = read_cell_table(write_codes(tmp_path / "cells.csv"), "accuracy")
        assert table.name == "cells"
        assert len(table) == len(np.unique(CELLS, axis=0))
        np.testing.assert_allclose(table.values, 80 + table.population[:, 0] + table.population[:, 5] / 10)

    def test_reads_strings(self, tmp_path: Path) -> None:
        path = tmp_path / "nats.csv"
        rows = [f"{to_arch(tuple(cell))},{cell[0]}" for cell in np.unique(CELLS, axis=0).tolist()]
        path.write_text("ArchitectureString,Accuracy\n" + "\n".join(rows), encoding="utf-8")
        table = read_cell_table(path, "Accuracy")
        np.testing.assert_allclose(table.values, table.population[:, 0])

    def test_dirty_rows_are_left_out_and_counted(self, tmp_path: Path) -> None:
        clean = len(read_cell_table(write_codes(tmp_path / "clean.csv"), "accuracy"))
        dirty = (
            '"(0, 1)",80\n"(0, 0, 0, 0, 0, 9)",80\n"(1, 1, 1, 1, 1, 1)",80\n'
            f'"{tuple(CELLS[0].tolist())}",99\n"(2, 2, 2, 2, 2, 2)",nan\n,80\n"(2, 2, 2, 2, 2, 2)",\n'
        )
        duplicates = len(CELLS) - clean
        table = read_cell_table(write_codes(tmp_path / "dirty.csv", dirty), "accuracy")
        assert len(table) == clean
        assert table.values.max() < 99  # the first of two measurements of a cell counts
        assert table.rejected == {
            "the cell or the value cannot be read": 3,
            "the value is not finite": 1,
            "the network cannot be built": 2,
            "the same network as an earlier row": 1 + duplicates,
        }

    @pytest.mark.parametrize(
        ("text", "target", "message"),
        [
            ("architecture,accuracy\n", "loss", "no column 'loss' to search; known: accuracy"),
            (
                "name,accuracy\nx,1\n",
                "accuracy",
                "needs a column of cells .architecture or ArchitectureString or cellstr., or columns of genes",
            ),
            ("", "accuracy", "must be a CSV file with a header"),
            ("architecture,accuracy\n", "accuracy", "at least 2 usable rows, got 0$"),
            (
                'architecture,accuracy\n"(2,2,2,2,2,2)",nan\n"(2,2,2,2,2,0)",1\n',
                "accuracy",
                "at least 2 usable rows, got 1; left out: 1, the value is not finite$",
            ),
        ],
    )
    def test_bad_files(self, text: str, target: str, message: str, tmp_path: Path) -> None:
        path = tmp_path / "bad.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            read_cell_table(path, target)

    def test_a_device_is_not_read(self) -> None:
        with pytest.raises(ValueError, match=r"^/dev/null: a table must be a CSV file, this is a device$"):
            open_table("/dev/null", "accuracy")

    @pytest.mark.data
    def test_the_sample_of_analognas_bench(self, data_folder: Path) -> None:
        path = data_folder / "analognasbench_sample" / "sample.csv"
        table = read_cell_table(path, "finetuned_drift_86400")
        assert len(table) == 1487
        assert table.rejected == {"the network cannot be built": 13}
        assert table.values.max() == pytest.approx(90.07)


@pytest.fixture
def data_folder() -> Path:
    import os

    folder = Path(os.environ.get("ANALOGNAS_DATA") or ".")
    if not (folder / "analognasbench_sample").is_dir():
        pytest.skip("needs analognasbench_sample in the folder ANALOGNAS_DATA")
    return folder


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_table()


class TestSynthetic:
    def test_the_planted_network_alone_is_best(self, synthetic) -> None:
        assert len(synthetic) == 16_200
        assert synthetic.values.max() == 90.0
        assert (synthetic.values == 90.0).sum() == 1
        best = synthetic.population[synthetic.values.argmax()]
        blocks = synthetic.space.describe(tuple(best.tolist()))["blocks"]
        assert [block["R"] for block in blocks] == [2, 1]

    def test_it_is_always_the_same(self, synthetic) -> None:
        np.testing.assert_array_equal(synthetic.values, synthetic_table().values)


class TestTableSpace:
    def test_every_operator_stays_in_the_table(self, tmp_path: Path) -> None:
        table = read_cell_table(write_codes(tmp_path / "cells.csv"), "accuracy")
        rng = np.random.default_rng(0)
        sample = table.space.sample(200, rng)
        mutants = table.space.mutate(sample, rng)
        children = table.space.crossover(sample, sample[::-1], rng)
        for population in (sample, mutants, children):
            assert (table.space.rows(population) >= 0).all()
            assert table.problem.admissible(population).all()
        assert (mutants != sample).any(axis=1).mean() > 0.9

    def test_rows_outside_have_a_problem(self, tmp_path: Path) -> None:
        table = read_cell_table(write_codes(tmp_path / "cells.csv"), "accuracy")
        every = NasBench201Space(merge_isomorphic=False).sample(500, np.random.default_rng(1))
        listed = {tuple(row) for row in table.population.tolist()}
        expected = [tuple(row) in listed for row in every.tolist()]
        assert [not problem for problem in table.space.problems(every)] == expected

    def test_a_row_is_found_where_it_stands(self, synthetic) -> None:
        order = np.random.default_rng(0).permutation(len(synthetic))[:300]
        np.testing.assert_array_equal(synthetic.space.rows(synthetic.population[order]), order)


class Scripted:
    """Proposes the rows of a table in a given order."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def ask(self, problem, history, n, rng):
        start = len(history)
        return [Proposal(tuple(row), "script") for row in self.rows[start : start + n].tolist()]


class TestSimulation:
    def test_regret_is_the_distance_of_the_best_so_far(self, synthetic) -> None:
        order = [5, 100, int(synthetic.values.argmax()), 7]
        regret = search_table(synthetic, Scripted(synthetic.population[order]), budget=4, batch=3, seed=0)
        first = 90 - synthetic.values[5]
        assert regret.tolist() == [first, min(first, 90 - synthetic.values[100]), 0.0, 0.0]

    def test_a_strategy_that_ends_early_keeps_its_regret(self, synthetic) -> None:
        regret = search_table(synthetic, Scripted(synthetic.population[:2]), budget=5, batch=5, seed=0)
        assert regret.shape == (5,)
        assert (regret[1:] == regret[1]).all()

    def test_proposing_twice_or_outside_is_an_error(self, synthetic) -> None:
        with pytest.raises(ValueError, match="twice"):
            search_table(synthetic, Scripted(synthetic.population[[0, 0]]), budget=2, batch=2, seed=0)
        outside = synthetic.population[:2] + 1000
        with pytest.raises(ValueError, match="not in the table"):
            search_table(synthetic, Scripted(outside), budget=2, batch=2, seed=0)

    @pytest.mark.parametrize("name", ["optuna-tpe", "optuna-gp", "optuna-cma-es"])
    def test_what_a_sampler_wants_and_a_table_lacks_becomes_a_row_near_it(
        self, tmp_path: Path, name: str
    ) -> None:
        table = read_cell_table(write_codes(tmp_path / "cells.csv"), "accuracy")
        sampler = strategies_named([name])[name].build(0)
        history = History(table.population[:16], table.measure(table.population[:16]), table.population[:0])
        proposals = sampler.ask(table.problem, history, 4, np.random.default_rng(0))
        assert {proposal.origin.removesuffix("-neighbour") for proposal in proposals} == {name}


class TestStatistics:
    def test_interval_is_students(self) -> None:
        values = np.array([1.0, 2.0, 3.0, 4.0])
        mean, half = mean_and_half_width(values)
        assert mean == 2.5
        assert half == pytest.approx(student.ppf(0.975, 3) * np.std(values, ddof=1) / 2)

    def test_holm_is_monotone_and_never_above_one(self) -> None:
        assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
        assert holm([0.9, 0.8]) == [1.0, 1.0]
        assert holm([]) == []

    def test_a_clear_winner_and_a_tie(self) -> None:
        rng = np.random.default_rng(0)
        base = rng.random((20, 10))
        places = rank({"worse": base + 0.5, "good": base, "same": base.copy()})
        assert [place.strategy for place in places] == ["good", "same", "worse"]
        assert places[1].p_value == 1.0
        assert places[2].p_value < 1e-4
        assert better(base.mean(axis=1), base.mean(axis=1)) == 1.0


class TestBenchmark:
    def test_results_do_not_depend_on_workers_and_are_reported(self, synthetic) -> None:
        specs = {"random": RandomSpec(), "local-search": LocalSearchSpec(initial=5)}
        seen: list[tuple[int, int]] = []
        one = run_benchmark(
            synthetic, specs, budget=30, seeds=3, progress=lambda done, total: seen.append((done, total))
        )
        two = run_benchmark(synthetic, specs, budget=30, seeds=3, workers=2)
        for name in specs:
            np.testing.assert_array_equal(one.curves[name], two.curves[name])
            assert (np.diff(one.curves[name], axis=1) <= 0).all()
        assert seen == [(number, 6) for number in range(1, 7)]
        assert one.checkpoints == [25, 30]
        report = json.loads(json.dumps(one.to_json()))
        assert report["rows"] == 16_200
        assert set(report["strategies"][0]["regret"]) == {"25", "30"}
        text = one.to_text()
        assert "3 seeds, 5 candidates at a time" in text
        assert text.splitlines()[2].rstrip().endswith("best")

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"budget": 0, "seeds": 2}, "`1 <= budget <= 16200`"),
            ({"budget": 20_000, "seeds": 2}, "got 20000"),
            ({"budget": 5, "seeds": 1}, "`seeds >= 2` must hold"),
        ],
    )
    def test_bad_settings(self, settings, message, synthetic) -> None:
        with pytest.raises(ValueError, match=message):
            run_benchmark(synthetic, {"random": RandomSpec()}, **settings)

    def test_no_strategy(self, synthetic) -> None:
        with pytest.raises(ValueError, match="name at least one"):
            run_benchmark(synthetic, {}, budget=5, seeds=2)

    def test_checkpoints_end_with_the_budget(self) -> None:
        result = BenchResult("t", "y", 500, {}, 5, {"random": np.zeros((2, 200))})
        assert result.checkpoints == [25, 50, 100, 200]


class TestPlot:
    def test_one_line_a_strategy_where_its_mean_lies(self) -> None:
        curves = {
            "<late>": np.tile(np.linspace(4, 2, 50), (3, 1)),
            "early": np.tile(np.linspace(4, 0, 50), (3, 1)),
        }
        drawing = regret_svg(BenchResult("t & t", "y", 500, {}, 5, curves))
        root = ElementTree.fromstring(drawing)
        space = "{http://www.w3.org/2000/svg}"
        lines = [line.attrib["points"].split() for line in root.iter(f"{space}polyline")]
        texts = [text.text for text in root.iter(f"{space}text")]
        assert len(lines) == 2
        assert texts.index("early") < texts.index("<late>")
        ends = [float(line[-1].split(",")[1]) for line in lines]
        bottom = 420 - 52
        assert ends[0] == pytest.approx(bottom, abs=0.1)
        assert ends[1] < bottom - 100

    def test_no_two_strategies_look_alike(self) -> None:
        curves = {f"strategy {number}": np.full((2, 20), float(number)) for number in range(13)}
        root = ElementTree.fromstring(regret_svg(BenchResult("t", "y", 9, {}, 5, curves)))
        lines = list(root.iter("{http://www.w3.org/2000/svg}polyline"))
        assert len({(line.attrib["stroke"], line.attrib["stroke-dasharray"]) for line in lines}) == 13

    def test_a_budget_of_one_and_no_regret_can_be_drawn(self) -> None:
        drawing = regret_svg(BenchResult("t", "y", 9, {}, 1, {"random": np.zeros((2, 1))}))
        assert ElementTree.fromstring(drawing) is not None


class TestNames:
    def test_tables(self, tmp_path: Path) -> None:
        assert open_table("synthetic", None).name == "synthetic"
        path = write_codes(tmp_path / "cells.csv")
        assert open_table(str(path), "accuracy").target == "accuracy"

    @pytest.mark.parametrize(
        ("table", "target", "message"),
        [
            ("synthetic", "avm", "the column 'accuracy_1d' alone, got 'avm'"),
            ("nowhere.csv", "accuracy", "nowhere.csv: no such file"),
        ],
    )
    def test_bad_tables(self, table: str, target: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            open_table(table, target)

    def test_records_without_their_run(self, tmp_path: Path) -> None:
        (tmp_path / "trials.jsonl").write_text("{}\n")
        with pytest.raises(ValueError, match=f"give the run directory, {tmp_path}"):
            open_table(str(tmp_path / "trials.jsonl"), "accuracy_1d")

    def test_a_file_needs_a_target(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="name the column to search: `target`"):
            open_table(str(write_codes(tmp_path / "cells.csv")), None)

    def test_strategies(self) -> None:
        assert list(strategies_named(["random", "nsga2"])) == ["random", "nsga2"]
        assert set(strategies_named([])) == set(STRATEGIES)
        with pytest.raises(
            ValueError, match="unknown strategy 'surogate-guided', did you mean surrogate-guided"
        ):
            strategies_named(["surogate-guided"])


@pytest.mark.slow
def test_surrogate_guided_beats_random_search_and_evolution_on_the_synthetic_table(synthetic) -> None:
    specs = strategies_named(["random", "regularized-evolution", "surrogate-guided"])
    result = run_benchmark(synthetic, specs, budget=50, seeds=8, workers=2)
    places = result.ranking()
    assert places[0].strategy == "surrogate-guided"
    assert all(place.p_value < 0.05 for place in places[1:])
