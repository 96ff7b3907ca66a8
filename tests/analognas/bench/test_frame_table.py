from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from torch import nn

from analognas.bench import BenchError, BenchTable, run_benchmark
from search_spaces import ResNetSpace, genotypes

SPACE = ResNetSpace(input_shape=(1, 8, 8), n_classes=10, oc0=(8, 32), m=(1, 2), r=(1, 3), b=(1, 2))
CANDIDATES = np.unique(SPACE.canonical(SPACE.sample(40, np.random.default_rng(0))), axis=0)
ARCHITECTURES = [SPACE.describe(genotype) for genotype in genotypes(CANDIDATES)]
VALUES = np.linspace(0.0, 1.0, len(CANDIDATES))


def frame() -> pd.DataFrame:
    return pd.DataFrame({"architecture": ARCHITECTURES, "accuracy": VALUES})


@pytest.mark.parametrize("written", ["mappings", "JSON", "genotypes", "JSON of genotypes", "genes"])
def test_a_candidate_may_be_written_in_five_ways(written: str) -> None:
    columns = {
        "mappings": {"architecture": ARCHITECTURES},
        "JSON": {"architecture": [json.dumps(architecture) for architecture in ARCHITECTURES]},
        "genotypes": {"architecture": genotypes(CANDIDATES)},
        "JSON of genotypes": {"architecture": [str(row) for row in genotypes(CANDIDATES)]},
        "genes": {f"g{gene}": column.astype(float) for gene, column in enumerate(CANDIDATES.T)},
    }[written]
    candidates = list(columns) if written == "genes" else "architecture"
    table = BenchTable.from_frame(
        pd.DataFrame({**columns, "accuracy": VALUES}), space=SPACE, target="accuracy", candidates=candidates
    )
    np.testing.assert_array_equal(table.population, CANDIDATES)
    np.testing.assert_allclose(table.values, VALUES)
    assert table.rejected == {}


def test_what_is_lower_is_better_is_negated_and_the_first_of_two_texts_counts() -> None:
    written = frame().assign(accuracy=[f"{value} ± 0.1" for value in VALUES])
    table = BenchTable.from_frame(written, space=SPACE, target="accuracy", lower_is_better=True, name="mine")
    np.testing.assert_allclose(table.values, -VALUES)
    assert table.regret(table.population[:1]).tolist() == [0.0]
    assert run_benchmark(table, "random", budget=5, seeds=2).table == "mine"


def test_rows_that_are_no_measurements_are_left_out_and_counted() -> None:
    dirty = frame()
    dirty.index = [f"row {number}" for number in range(len(dirty))]
    dirty.loc["row 1", "accuracy"] = np.nan
    dirty.loc["row 2", "accuracy"] = np.inf
    dirty.at["row 3", "architecture"] = None
    dirty.at["row 4", "architecture"] = {"OC0": 9999}
    dirty.at["row 6", "architecture"] = ARCHITECTURES[5]
    table = BenchTable.from_frame(dirty, space=SPACE, target="accuracy")
    assert len(table) == len(dirty) - 5
    counts = dict(table.rejected)
    assert counts.pop("the value is not finite") == 2
    assert counts.pop("the same network as an earlier row") == 1
    ((reason, number),) = counts.items()
    assert "first in row 'row 3'" in reason
    assert number == 2


class FourMethods:
    """Two layer widths, counted by building."""

    def sample(self, n, rng):
        return rng.integers(1, 9, size=(n, 2))

    def mutate(self, population, rng):
        children = population.copy()
        children[np.arange(len(children)), rng.integers(2, size=len(children))] = rng.integers(
            1, 9, len(children)
        )
        return children

    def encode(self, population):
        return pd.DataFrame(population.astype("float32"), columns=["a", "b"])

    def build(self, genotype):
        return nn.Sequential(nn.Linear(4, genotype[0]), nn.Linear(genotype[0], genotype[1]))


def test_a_space_of_four_methods_needs_the_shape_of_its_inputs() -> None:
    measured = pd.DataFrame({"a": range(1, 9), "b": [1] * 8, "loss": np.linspace(1, 0, 8)})
    arguments = {"space": FourMethods(), "target": "loss", "candidates": ["a", "b"], "lower_is_better": True}
    with pytest.raises(BenchError, match="`input_shape` must be given"):
        BenchTable.from_frame(measured, **arguments)
    table = BenchTable.from_frame(measured, **arguments, input_shape=(4,))
    result = run_benchmark(table, "random", budget=8, seeds=2)
    assert result.curves["random"][:, -1].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": [1, 2]}, "`frame` must be a pandas DataFrame, got list"),
        ({"target": "acuracy"}, "no column 'acuracy', did you mean `accuracy`"),
        ({"candidates": "cell"}, "no column 'cell'"),
        ({"candidates": "accuracy"}, "other than the target 'accuracy'"),
        ({"candidates": []}, r"other than the target 'accuracy', got \[\]"),
        ({"space": 3}, "four methods of a space, got 3 without `sample`"),
        ({"space": ResNetSpace}, "the class itself"),
        ({"frame": frame().iloc[:1]}, "at least 2 usable rows, got 1"),
        ({"frame": frame().iloc[:0]}, "at least 2 usable rows, got 0$"),
        ({"frame": pd.concat([frame(), frame()], axis=1)}, "column 'architecture' 2 times"),
    ],
)
def test_arguments_that_do_not_fit(changes, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        BenchTable.from_frame(**{"frame": frame(), "space": SPACE, "target": "accuracy", **changes})
