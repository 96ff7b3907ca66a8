"""Staged architectures as JSON, in the words of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from search_spaces.block_genes.parsing import check_keys, choice, mapping, steps_of
from search_spaces.space import Genotype
from search_spaces.staged.ranges import STAGE_GENES, STEM_GENES, StagedRanges

STEM_KEYS: Final = ("width", "kernel", "stride")
STAGE_KEYS: Final = ("depth", "width", "type", "kernel", "stride")
EXPANDED_KEYS: Final = ("expansion", "groups")


def describe(genotype: Genotype, ranges: StagedRanges) -> dict[str, Any]:
    """Return the architecture of a canonical genotype, JSON-able."""
    width, kernel, stride, n = genotype[:STEM_GENES]
    stages = []
    for stage in range(n):
        start = STEM_GENES + STAGE_GENES * stage
        depth, steps, letter, window, step, expansion, groups = genotype[start : start + STAGE_GENES]
        entry: dict[str, Any] = {
            "depth": depth,
            "width": steps * ranges.width_step,
            "type": ranges.types[letter],
            "kernel": list(ranges.kernels[window]),
            "stride": list(ranges.strides[step]),
        }
        if entry["type"] == "E":
            entry |= {"expansion": ranges.expansions[expansion], "groups": ranges.groups[groups]}
        stages.append(entry)
    stem = {
        "width": width * ranges.width_step,
        "kernel": list(ranges.kernels[kernel]),
        "stride": list(ranges.strides[stride]),
    }
    return {"stem": stem, "stages": stages}


def parse(architecture: Mapping[str, Any], ranges: StagedRanges) -> Genotype:
    """Return the genotype of an architecture as `describe` writes it, not yet canonical.

    Raises:
        ValueError: for a missing or unknown key, or a value outside `ranges`; the message names the place.
    """
    check_keys(architecture, ("stem", "stages"), "the architecture")
    stem = mapping(architecture["stem"], STEM_KEYS, "`stem`")
    genes = [
        steps_of(stem["width"], ranges.stem_width, ranges.width_step, "stem.width"),
        choice(_axes(stem["kernel"]), ranges.kernels, "stem.kernel"),
        choice(_axes(stem["stride"]), ranges.strides, "stem.stride"),
    ]
    stages = architecture["stages"]
    if not isinstance(stages, list | tuple) or not 1 <= len(stages) <= ranges.stages:
        raise ValueError(f"`stages` must be a list of 1 to {ranges.stages} stages, got {stages!r:.80}")
    genes.append(len(stages))
    for number, entry in enumerate(stages):
        genes += _stage(entry, f"stages[{number}]", ranges)
    return tuple(genes + [0] * (ranges.n_genes - len(genes)))


def _stage(entry: object, place: str, ranges: StagedRanges) -> list[int]:
    expanded = isinstance(entry, Mapping) and entry.get("type") == "E"
    stage = mapping(entry, (*STAGE_KEYS, *EXPANDED_KEYS) if expanded else STAGE_KEYS, f"`{place}`")
    depth = stage["depth"]
    if not isinstance(depth, int) or isinstance(depth, bool) or not 1 <= depth <= ranges.depth:
        raise ValueError(f"`{place}.depth` must be an integer from 1 to {ranges.depth}, got {depth!r}")
    return [
        depth,
        steps_of(stage["width"], ranges.width, ranges.width_step, f"{place}.width"),
        choice(stage["type"], tuple(ranges.types), f"{place}.type"),
        choice(_axes(stage["kernel"]), ranges.kernels, f"{place}.kernel"),
        choice(_axes(stage["stride"]), ranges.strides, f"{place}.stride"),
        choice(stage["expansion"], ranges.expansions, f"{place}.expansion") if expanded else 0,
        choice(stage["groups"], ranges.groups, f"{place}.groups") if expanded else 0,
    ]


def _axes(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value
