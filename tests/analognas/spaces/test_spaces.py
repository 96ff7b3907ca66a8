import numpy as np
import pytest
import torch

from analognas.errors import UserError
from analognas.spaces import complete
from analognas.spaces.guarded import guarded
from analognas.spaces.specs import SPACES
from analognas.testing import check_space
from search_spaces import ResNetSpace


@pytest.mark.parametrize("kind", sorted(set(SPACES) - {"entry-point", "object"}))
def test_every_kind_makes_a_space_that_keeps_its_contract(kind: str) -> None:
    changes = {
        "nasbench201": {"cells_per_stage": 1, "channels": 4},
        "resnet": {"r": (1, 2), "oc0": (4, 8), "b": (1, 2)},
        "staged": {"width": (4, 8), "stem_width": (4, 8), "depth": 2},
        "sequence": {"width": (16, 24)},
    }
    space = SPACES[kind](**changes[kind]).build((2, 8, 8), 3)
    check_space(space, np.random.default_rng(0), input_shape=(2, 8, 8), n_classes=3)


class Widths:
    """The smallest space that fulfils the contract: one hidden layer of any width."""

    def sample(self, n, rng):
        return rng.integers(1, 50, (n, 1))

    def mutate(self, population, rng):
        return (population + rng.integers(1, 49, population.shape) - 1) % 49 + 1

    def encode(self, population):
        import pandas as pd

        return pd.DataFrame(population.astype(np.float32), columns=["width"])

    def build(self, genotype):
        return torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(4, genotype[0]),
            torch.nn.ReLU(),
            torch.nn.Linear(genotype[0], 3),
        )


def test_a_users_space_of_four_methods_gets_every_ability() -> None:
    space = complete(Widths(), (1, 2, 2))
    rng = np.random.default_rng(0)
    population = space.latin_hypercube(6, rng)
    assert population.shape == (6, 1)
    widths = population[:, 0]
    np.testing.assert_array_equal(space.parameters(population), widths * 5 + 3 * (widths + 1))
    np.testing.assert_array_equal(space.macs(population), widths * 4 + 3 * widths)
    np.testing.assert_array_equal(space.matrices(population).weights, widths * 4 + 3 * widths)
    assert space.problems(population) == [""] * 6
    assert space.crossover(population, population, rng).shape == (6, 1)
    np.testing.assert_array_equal(space.canonical(population), population)
    assert space.describe((7,)) == {"genes": [7]}
    assert space.parse({"genes": [7]}) == (7,)
    with pytest.raises(ValueError, match="`genes` must be a list of integers"):
        space.parse({"genes": "7"})


def test_a_network_that_cannot_be_built_is_a_problem_with_its_reason() -> None:
    class Broken(Widths):
        def build(self, genotype):
            raise ValueError("too wide")

    space, population = complete(Broken(), (1, 2, 2)), np.array([[3], [4]])
    assert space.problems(population) == ["the network cannot be built: too wide"] * 2
    assert space.matrices(population).weights.tolist() == [0, 0]


def test_a_network_is_built_once_for_all_that_is_asked_of_it() -> None:
    class Counting(Widths):
        built = 0

        def build(self, genotype):
            self.built += 1
            return super().build(genotype)

    own = Counting()
    space = complete(own, (1, 2, 2))
    population = np.array([[3], [4], [3]])
    for method in (space.matrices, space.macs, space.parameters, space.problems, space.matrices):
        method(population)
    assert own.built == 2


def test_any_failure_to_build_is_a_problem_and_names_its_kind() -> None:
    class Broken(Widths):
        def build(self, genotype):
            return {}[genotype]

    (problem,) = complete(Broken(), (1, 2, 2)).problems(np.array([[3]]))
    assert problem == "the network cannot be built: KeyError: (3,)"


class Late(Widths):
    """Keeps the contract for small populations, and breaks it in one method for large ones."""

    def __init__(self, method, how):
        self.method, self.how = method, how

    def _spoilt(self, method, population, result):
        return self.how(result) if method == self.method and len(population) > 40 else result

    def sample(self, n, rng):
        return self._spoilt("sample", range(n), super().sample(n, rng))

    def mutate(self, population, rng):
        return self._spoilt("mutate", population, super().mutate(population, rng))

    def encode(self, population):
        return self._spoilt("encode", population, super().encode(population))


def _fails(result):
    raise IndexError("too many")


@pytest.mark.parametrize(
    ("method", "how", "message"),
    [
        ("mutate", _fails, "`mutate` of the space 'late' failed: IndexError: too many"),
        (
            "mutate",
            lambda rows: rows[:-1],
            r"`mutate` of the space 'late' must return \(50, 1\) int64, got \(49, 1\)",
        ),
        ("mutate", lambda rows: rows.tolist(), "`mutate` of the space 'late' must return"),
        (
            "sample",
            lambda rows: rows.astype(float),
            r"`sample` of the space 'late' must .* got \(50, 1\) float64",
        ),
        ("encode", lambda frame: frame.iloc[:3], "`encode` of the space 'late' must return 50 rows, got 3"),
    ],
)
def test_a_breach_that_only_a_search_meets_names_the_method(method, how, message) -> None:
    late = Late(method, how)
    check_space(late, np.random.default_rng(0), input_shape=(1, 2, 2), n_classes=3)
    space = guarded("late", complete(late, (1, 2, 2)))
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match=message):
        space.encode(space.mutate(space.sample(50, rng), rng))


def test_a_guarded_space_answers_like_the_space() -> None:
    space = ResNetSpace(m=(1, 2), r=(1, 2), oc0=(4, 8), b=(1, 2))
    watched = guarded("mine", space)
    check_space(watched, np.random.default_rng(0), input_shape=(1, 8, 8), n_classes=10)
    first, second = (one.sample(50, np.random.default_rng(1)) for one in (space, watched))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(space.macs(first), watched.macs(first))
    np.testing.assert_array_equal(space.matrices(first).weights, watched.matrices(first).weights)
    with pytest.raises(ValueError, match="must have exactly the keys"):
        watched.parse({"name": "resnet8"})


def test_matrices_of_another_population_are_a_breach() -> None:
    class Short(ResNetSpace):
        def matrices(self, population):
            return super().matrices(population[1:])

    space = guarded("mine", Short())
    with pytest.raises(
        UserError, match=r"`matrices` of the space 'mine' must return Matrices of 3 rows, got shape \(2, "
    ):
        space.matrices(space.sample(3, np.random.default_rng(0)))


def test_a_complete_space_is_left_as_it_is() -> None:
    space = ResNetSpace()
    assert complete(space, (1, 8, 8)) is space


def test_a_configuration_says_how_often_mutations_reach_the_maximum() -> None:
    def wide_children(to_maximum: float) -> int:
        spec = SPACES["resnet"](m=(1, 1), wf=(1, 3), to_maximum=to_maximum)
        space = spec.build((3, 32, 32), 10)
        parents = space.sample(4000, np.random.default_rng(0))
        parents = parents[parents[:, 6] < 3]
        return int((space.mutate(parents, np.random.default_rng(1))[:, 6] == 3).sum())

    often, seldom, never = (wide_children(share) for share in (1.0, 0.2, 0.0))
    assert never == 0
    assert 0.1 * often < seldom < 0.4 * often
