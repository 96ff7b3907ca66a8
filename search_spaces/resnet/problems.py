"""Why a genotype of the ResNet-like space describes no network that can be built."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_spaces.resnet.ranges import CONVOLUTION_TYPES, CT, KS0, OC0, SKIP, WF, B, M, R, Ranges
from search_spaces.resnet.widths import widths
from search_spaces.space import Population


def problems(population: Population, ranges: Ranges) -> list[str]:
    """Return the first reason for each row, an empty string where there is none.

    Raises:
        ValueError: when the rows are not `(n, genes)`.
    """
    if population.ndim != 2 or population.shape[1] != ranges.n_genes:
        raise ValueError(f"a population must be (n, {ranges.n_genes}), got shape {population.shape}")
    if _all_can_be_built(population, ranges):
        return [""] * len(population)
    reasons = np.full(len(population), "", dtype=object)
    for gene, name, bounds in ((OC0, "OC0", ranges.oc0), (KS0, "KS0", ranges.ks0), (M, "M", ranges.m)):
        values = population[:, gene]
        outside = (values < bounds[0]) | (values > bounds[1])
        _explain(reasons, outside, values, f"{name} must lie within {bounds[0]} to {bounds[1]}, got {{}}")
    blocks, active = ranges.blocks(population), ranges.active(population)
    for block in range(ranges.m[1]):
        here = active[:, block]
        for gene, name, bounds in (
            (R, "R", ranges.r),
            (B, "B", ranges.b),
            (WF, "WF", ranges.wf),
            (SKIP, "skip", ranges.skip),
        ):
            values = blocks[:, block, gene]
            outside = here & ((values < bounds[0]) | (values > bounds[1]))
            rule = f"{name} of main block {block + 1} must lie within {bounds[0]} to {bounds[1]}, got {{}}"
            _explain(reasons, outside, values, rule)
        types = ", ".join(f"{index} ({CONVOLUTION_TYPES[index]})" for index in ranges.types)
        rule = f"CT of main block {block + 1} must be one of {types}, got {{}}"
        foreign = here & ~np.isin(blocks[:, block, CT], ranges.types)
        _explain(reasons, foreign, blocks[:, block, CT], rule)
    width = widths(population, ranges)
    for block in range(ranges.m[1]):
        wide = active[:, block] & (width[:, block + 1] > ranges.max_width)
        rule = f"main block {block + 1} would have {{}} channels, more than `max_width` {ranges.max_width}"
        _explain(reasons, wide, width[:, block + 1], rule)
    return [str(reason) for reason in reasons.tolist()]


def _all_can_be_built(population: Population, ranges: Ranges) -> bool:
    """Return whether no row has a problem: nearly always so, and found in a fraction of the time of the reasons."""
    stem = np.array([ranges.oc0, ranges.ks0, ranges.m])
    low, high = np.array([ranges.r, ranges.b, (0, len(CONVOLUTION_TYPES) - 1), ranges.wf, ranges.skip]).T
    values, blocks = population[:, (OC0, KS0, M)], ranges.blocks(population)
    if (values < stem[:, 0]).any() or (values > stem[:, 1]).any():
        return False
    here = ranges.active(population)
    genes = blocks[here]
    if (genes < low).any() or (genes > high).any():
        return False
    allowed = np.zeros(len(CONVOLUTION_TYPES), dtype=np.bool_)
    allowed[ranges.types] = True
    return bool(allowed[genes[:, CT]].all() and (widths(population, ranges)[:, 1:] <= ranges.max_width).all())


def _explain(
    reasons: npt.NDArray[np.object_], wrong: npt.NDArray[np.bool_], values: npt.NDArray[np.int64], rule: str
) -> None:
    """Write `rule` with the value into the wrong rows that have no reason yet."""
    if not wrong.any():
        return  # the rule, nearly always: comparing texts would cost more than all else
    wrong = wrong & (reasons == "")
    if not wrong.any():
        return
    different, which = np.unique(values[wrong], return_inverse=True)
    reasons[wrong] = np.array([rule.format(value) for value in different.tolist()], dtype=object)[which]
