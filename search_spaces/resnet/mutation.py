"""The mutation operators of AnalogNAS's Algorithm 1 for whole populations.

A child takes one operator of each class that strikes, the classes striking independently of each other:

- depth (probability 0.8): add or remove a main block, add or remove a residual block, change CT;
- width (0.8): change WF, add or remove a branch, change OC0;
- others (0.5): change KS0, add or remove the skip connection of a main block.

Inside a class every operator that the ranges leave possible is equally likely. The paper leaves the rest
open. Here "add or remove" is a fair coin except at an end of the range; a main block is inserted at a random
place, with random genes, and removed from a random place; "change" draws uniformly from the other values. A
child that equals its parent is drawn again. For its smallest networks the paper raises WF or the depth to the
maximum with probability 0.2 only: `MutationRates.to_maximum`.

References:
    Benmeziane et al., 2023, arXiv 2305.10459, Algorithm 1 and section IV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.canonical import canonical
from search_spaces.resnet.geometry import GeometryTable
from search_spaces.resnet.ranges import CT, KS0, OC0, SKIP, WF, B, M, R, Range, Ranges
from search_spaces.resnet.sampling import sample
from search_spaces.resnet.widths import narrow
from search_spaces.space import Population

OPERATORS: Final = (
    ("main block", "residual block", "CT"),
    ("WF", "branch", "OC0"),
    ("KS0", "skip"),
)
# A draw fails when no class strikes or all that it changes is undone. Where even 48 in a row fail, the ranges
# or the rates leave the operators nothing to do, and children are drawn afresh, again until they differ.
OPERATOR_ATTEMPTS: Final = 48
FRESH_ATTEMPTS: Final = 24


@dataclass(frozen=True)
class MutationRates:
    """How often each class of operators strikes.

    Attributes:
        depth: probability of a depth mutation.
        width: probability of a width mutation.
        others: probability of another mutation.
        to_maximum: probability that a step which raises WF, R or M to its maximum is kept; 0.2 in the paper's
            searches for networks of 100 k and 200 k parameters.

    Raises:
        ValueError: for a value outside [0, 1], or when no class can strike.
    """

    depth: float = 0.8
    width: float = 0.8
    others: float = 0.5
    to_maximum: float = 1.0

    def __post_init__(self) -> None:
        for name in ("depth", "width", "others", "to_maximum"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"`{name}` must be a probability, got {getattr(self, name)}")
        if self.depth == self.width == self.others == 0.0:
            raise ValueError("at least one of `depth`, `width` and `others` must be above 0, got 0 for all")


PUBLISHED_RATES: Final = MutationRates()


def mutate(
    population: Population,
    ranges: Ranges,
    table: GeometryTable,
    rates: MutationRates,
    rng: np.random.Generator,
) -> Population:
    """Return one canonical child a row, different from its parent unless the space holds one network only."""
    parents = canonical(population, ranges, table)
    children = parents.copy()
    pending = np.arange(len(parents))
    for attempt in range(OPERATOR_ATTEMPTS + FRESH_ATTEMPTS):
        if not len(pending):
            break
        if attempt < OPERATOR_ATTEMPTS:
            drawn = narrow(_struck(parents[pending], ranges, rates, rng), ranges)
        else:
            drawn = sample(len(pending), ranges, rng)
        candidates = canonical(drawn, ranges, table)
        changed = (candidates != parents[pending]).any(axis=1)
        children[pending[changed]] = candidates[changed]
        pending = pending[~changed]
    return children


def draw_operators(
    n: int, ranges: Ranges, rates: MutationRates, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return the operator of each class that strikes, `(n, 3)`: an index into `OPERATORS`, -1 for none."""
    chosen = np.full((n, len(OPERATORS)), -1, dtype=np.int64)
    possible = (
        (ranges.m[0] < ranges.m[1], ranges.r[0] < ranges.r[1], len(ranges.ct) > 1),
        (ranges.wf[0] < ranges.wf[1], ranges.b[0] < ranges.b[1], ranges.oc0[0] < ranges.oc0[1]),
        (ranges.ks0[0] < ranges.ks0[1], ranges.skip[0] < ranges.skip[1]),
    )
    for column, (usable, rate) in enumerate(
        zip(possible, (rates.depth, rates.width, rates.others), strict=True)
    ):
        operators = np.flatnonzero(usable)
        strikes = rng.random(n) < rate
        if len(operators):
            chosen[strikes, column] = rng.choice(operators, size=int(strikes.sum()))
    return chosen


def _struck(
    parents: Population, ranges: Ranges, rates: MutationRates, rng: np.random.Generator
) -> Population:
    """Return `parents` with one set of operators applied, not yet canonical."""
    rows = parents.copy()
    operators = draw_operators(len(rows), ranges, rates, rng)
    _change_main_blocks(rows, operators[:, 0] == 0, ranges, rates.to_maximum, rng)
    blocks = ranges.blocks(rows)

    def at(chosen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        index = np.flatnonzero(chosen)
        return index, rng.integers(0, rows[index, M])

    where = at(operators[:, 0] == 1)
    stepped = _step(blocks[:, :, R][where], ranges.r, rng)
    blocks[:, :, R][where] = _kept(blocks[:, :, R][where], stepped, ranges.r[1], rates.to_maximum, rng)
    where = at(operators[:, 0] == 2)
    if len(where[0]):
        positions = np.searchsorted(ranges.types, blocks[:, :, CT][where])
        blocks[:, :, CT][where] = ranges.types[_other(positions, (0, len(ranges.types) - 1), rng)]
    where = at(operators[:, 1] == 0)
    widened = _other(blocks[:, :, WF][where], ranges.wf, rng)
    blocks[:, :, WF][where] = _kept(blocks[:, :, WF][where], widened, ranges.wf[1], rates.to_maximum, rng)
    where = at(operators[:, 1] == 1)
    blocks[:, :, B][where] = _step(blocks[:, :, B][where], ranges.b, rng)
    for gene, chosen, bounds in (
        (OC0, operators[:, 1] == 2, ranges.oc0),
        (KS0, operators[:, 2] == 0, ranges.ks0),
    ):
        rows[chosen, gene] = _other(rows[chosen, gene], bounds, rng)
    where = at(operators[:, 2] == 1)
    blocks[:, :, SKIP][where] = 1 - blocks[:, :, SKIP][where]
    return rows


def _change_main_blocks(
    rows: Population,
    chosen: npt.NDArray[np.bool_],
    ranges: Ranges,
    to_maximum: float,
    rng: np.random.Generator,
) -> None:
    """Insert a random main block into the chosen rows, or remove one, in place."""
    index = np.flatnonzero(chosen)
    old = rows[index, M]
    new = _kept(old, _step(old, ranges.m, rng), ranges.m[1], to_maximum, rng)
    place = rng.integers(0, np.maximum(old, new))
    fresh = ranges.blocks(sample(len(index), ranges, rng))[:, 0]
    positions = np.arange(ranges.m[1])
    shift = (new - old)[:, None]
    source = np.where(positions > place[:, None], positions - shift, positions)
    source = np.where((shift < 0) & (positions == place[:, None]), positions + 1, source)
    blocks = ranges.blocks(rows)
    moved = blocks[index[:, None], np.clip(source, 0, ranges.m[1] - 1)]
    inserted = (shift > 0) & (positions == place[:, None])
    blocks[index] = np.where(inserted[:, :, None], fresh[:, None, :], moved)
    rows[index, M] = new


def _step(values: npt.NDArray[np.int64], bounds: Range, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return each value one up or down, turning back at an end of its range."""
    up = (rng.random(len(values)) < 0.5) & (values < bounds[1]) | (values <= bounds[0])
    return values + np.where(up, 1, -1)


def _other(values: npt.NDArray[np.int64], bounds: Range, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return a different value of the range, uniform over the others."""
    if not len(values):
        return values
    drawn = rng.integers(bounds[0], bounds[1], size=len(values))
    return drawn + (drawn >= values)


def _kept(
    old: npt.NDArray[np.int64],
    new: npt.NDArray[np.int64],
    highest: int,
    to_maximum: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return `new`, except that steps up to `highest` are kept with probability `to_maximum` only."""
    refused = (new == highest) & (new > old) & (rng.random(len(new)) >= to_maximum)
    return np.where(refused, old, new)
