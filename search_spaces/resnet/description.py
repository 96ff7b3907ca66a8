"""ResNet-like architectures as dictionaries in the symbols of AnalogNAS's Table I, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from search_spaces.block_genes.parsing import check_keys
from search_spaces.resnet.ranges import BLOCK_GENES, CONVOLUTION_TYPES, STEM_GENES, Range, Ranges
from search_spaces.space import Genotype

STEM_KEYS: Final = ("OC0", "KS0", "M")
BLOCK_KEYS: Final = ("R", "B", "CT", "WF", "skip")


def describe(genotype: Genotype, ranges: Ranges) -> dict[str, Any]:
    """Return the architecture of a genotype, JSON-able."""
    blocks = []
    for start in range(STEM_GENES, STEM_GENES + BLOCK_GENES * genotype[2], BLOCK_GENES):
        r, b, ct, wf, skip = genotype[start : start + BLOCK_GENES]
        blocks.append({"R": r, "B": b, "CT": CONVOLUTION_TYPES[ct], "WF": wf, "skip": bool(skip)})
    return {"OC0": genotype[0], "KS0": genotype[1], "M": genotype[2], "blocks": blocks}


def parse(architecture: Mapping[str, Any], ranges: Ranges) -> Genotype:
    """Return the genotype of an architecture as `describe` writes it.

    Raises:
        ValueError: for a missing or unknown key, or a value outside `ranges`; the message names the place.
    """
    check_keys(architecture, (*STEM_KEYS, "blocks"), "the architecture")
    stem = [
        _integer(architecture["OC0"], ranges.oc0, "OC0"),
        _integer(architecture["KS0"], ranges.ks0, "KS0"),
        _integer(architecture["M"], ranges.m, "M"),
    ]
    blocks = architecture["blocks"]
    if not isinstance(blocks, list | tuple) or len(blocks) != stem[2]:
        raise ValueError(f"`blocks` must be a list of M = {stem[2]} main blocks, got {blocks!r}")
    genes = list(stem)
    for index, block in enumerate(blocks):
        place = f"blocks[{index}]"
        if not isinstance(block, Mapping):
            raise ValueError(
                f"`{place}` must be a mapping with the keys {', '.join(BLOCK_KEYS)}, got {block!r}"
            )
        check_keys(block, BLOCK_KEYS, f"`{place}`")
        if not isinstance(block["CT"], str) or len(block["CT"]) != 1 or block["CT"] not in ranges.ct:
            raise ValueError(
                f"`{place}.CT` must be one of {', '.join(sorted(ranges.ct))}, got {block['CT']!r}"
            )
        if not isinstance(block["skip"], bool) or not ranges.skip[0] <= block["skip"] <= ranges.skip[1]:
            allowed = " or ".join(str(bool(value)) for value in range(ranges.skip[0], ranges.skip[1] + 1))
            raise ValueError(f"`{place}.skip` must be {allowed}, got {block['skip']!r}")
        genes += [
            _integer(block["R"], ranges.r, f"{place}.R"),
            _integer(block["B"], ranges.b, f"{place}.B"),
            CONVOLUTION_TYPES.index(block["CT"]),
            _integer(block["WF"], ranges.wf, f"{place}.WF"),
            int(block["skip"]),
        ]
    return tuple(genes + [0] * (ranges.n_genes - len(genes)))


def _integer(value: object, bounds: Range, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"`{place}` must be an integer from {bounds[0]} to {bounds[1]}, got {value!r}")
    return value
