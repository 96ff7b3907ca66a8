"""Classes of equal cells against an independent reference: what the cells compute, for every assignment of weights."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import numpy.typing as npt

from search_spaces import NasBench201Space
from search_spaces.nasbench201.cell import CONV1, CONV3, EDGES, N_CELLS, POOL, SKIP, cells
from search_spaces.nasbench201.isomorphism import isomorphism

WEIGHTS = np.array([0.31, 0.57, 0.83, 1.13, 1.37, 1.61])
ASSIGNMENTS = WEIGHTS[np.array(list(permutations(range(len(EDGES)))))]


def moments(population: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Moments of a cell's output over all assignments of the weights to its edges, `(n, 3)`.

    Operations are scalar functions that keep 0 and do not distribute over sums. Equal networks have equally many
    assignments with each output, so equal moments; different ones have not, for weights without a relation.
    """
    nodes = {0: np.full((len(population), len(ASSIGNMENTS)), 0.7310)}
    for target in (1, 2, 3):
        total = np.zeros((len(population), len(ASSIGNMENTS)))
        for source in range(target):
            edge = EDGES.index((source, target))
            value, weight = nodes[source], ASSIGNMENTS[:, edge]
            for code, result in (
                (SKIP, value),
                (CONV3, np.tanh(weight * value)),
                (CONV1, np.sin(weight * value)),
                (POOL, value / (1.37 + value)),
            ):
                total += np.where(population[:, edge, None] == code, result, 0.0)
        nodes[target] = total
    return np.stack([(nodes[3] ** power).mean(axis=1) for power in (1, 2, 3)], axis=1)


def test_cells_are_the_same_if_and_only_if_they_compute_the_same() -> None:
    population = cells(np.arange(N_CELLS))
    computed = np.concatenate([moments(part) for part in np.array_split(population, 50)])
    _, by_value = np.unique(computed.round(9), axis=0, return_inverse=True)
    classes = isomorphism().representative
    pairs = np.unique(np.stack([classes, by_value.reshape(-1)]), axis=1)
    assert pairs.shape[1] == len(np.unique(classes)) == len(np.unique(by_value))
    np.testing.assert_array_equal(isomorphism().connected, np.abs(computed).max(axis=1) > 0)


def test_the_size_is_the_number_of_classes_of_connected_cells() -> None:
    assert NasBench201Space().size() == 5259
    assert NasBench201Space(merge_isomorphic=False).size() == 15_284


def test_the_representative_is_the_first_of_its_class_and_its_own() -> None:
    classes = isomorphism().representative
    assert (classes <= np.arange(N_CELLS)).all()
    np.testing.assert_array_equal(classes[classes], classes)


def test_exchanged_inner_nodes_and_resolved_skips() -> None:
    space = NasBench201Space()

    def same(first: list[int], second: list[int]) -> bool:
        rows = space.canonical(np.array([first, second]))
        return bool((rows[0] == rows[1]).all())

    # The edges are 0->1, 0->2, 0->3, 1->2, 1->3, 2->3.
    assert same([2, 3, 1, 1, 2, 0], [3, 2, 1, 1, 0, 2]), "nodes 1 and 2 exchanged"
    assert same([0, 1, 1, 1, 2, 1], [1, 1, 2, 1, 1, 1]), "a skip before a convolution"
    assert same([2, 3, 0, 1, 1, 3], [1, 3, 0, 1, 1, 3]), "node 1 leads nowhere"
    assert not same([2, 1, 1, 0, 0, 0], [2, 1, 2, 1, 0, 1]), "one convolution twice is not two convolutions"
    assert same([4, 1, 1, 0, 0, 0], [4, 1, 4, 1, 0, 1]), "one pooling twice is two poolings"
