"""Sequence architectures as JSON, in the words of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from search_spaces.block_genes.parsing import check_keys, choice, mapping, steps_of
from search_spaces.sequences.ranges import BLOCKS, ENTRY_WIDTH, STRIDE, SequenceRanges
from search_spaces.space import Genotype

BLOCK_NAMES: Final = {"L": "lstm", "G": "gru", "A": "attention"}
KEYS: Final = {
    "lstm": ("type", "hidden", "projection", "skip"),
    "gru": ("type", "hidden", "skip"),
    "attention": ("type", "inner", "heads"),
}


def describe(genotype: Genotype, ranges: SequenceRanges) -> dict[str, Any]:
    """Return the architecture of a canonical genotype, JSON-able."""
    entry = {"width": genotype[ENTRY_WIDTH] * ranges.width_step}
    if not ranges.symbols:
        entry["stride"] = ranges.strides[genotype[STRIDE]]
    blocks = []
    for place in range(genotype[BLOCKS]):
        start = ranges.head_genes + ranges.block_genes * place
        letter, steps, projection, heads, skip = genotype[start : start + ranges.block_genes]
        name, width = BLOCK_NAMES[ranges.types[letter]], steps * ranges.width_step
        values = {
            "type": name,
            "hidden": width,
            "inner": width,
            "projection": ranges.projections[projection],
            "heads": ranges.heads[heads],
            "skip": bool(skip),
        }
        blocks.append({key: values[key] for key in KEYS[name]})
    return {"entry": entry, "blocks": blocks}


def parse(architecture: Mapping[str, Any], ranges: SequenceRanges) -> Genotype:
    """Return the genotype of an architecture as `describe` writes it, not yet canonical.

    Raises:
        ValueError: for a missing or unknown key, or a value outside `ranges`; the message names the place.
    """
    check_keys(architecture, ("entry", "blocks"), "the architecture")
    keys = ("width",) if ranges.symbols else ("width", "stride")
    entry = mapping(architecture["entry"], keys, "`entry`")
    blocks = architecture["blocks"]
    if not isinstance(blocks, list | tuple) or not 1 <= len(blocks) <= ranges.blocks:
        raise ValueError(f"`blocks` must be a list of 1 to {ranges.blocks} blocks, got {blocks!r:.80}")
    genes = [
        steps_of(entry["width"], ranges.entry_width, ranges.width_step, "entry.width"),
        0 if ranges.symbols else choice(entry["stride"], ranges.strides, "entry.stride"),
        len(blocks),
    ]
    for number, block in enumerate(blocks):
        genes += _block(block, f"blocks[{number}]", ranges)
    return tuple(genes + [0] * (ranges.n_genes - len(genes)))


def _block(value: object, place: str, ranges: SequenceRanges) -> list[int]:
    if not isinstance(value, Mapping) or "type" not in value:
        raise ValueError(f"`{place}` must be a mapping with the key `type`, got {value!r:.80}")
    letter = choice(value["type"], tuple(BLOCK_NAMES[letter] for letter in ranges.types), f"{place}.type")
    block = mapping(value, KEYS[BLOCK_NAMES[ranges.types[letter]]], f"`{place}`")
    own = "inner" if "inner" in block else "hidden"
    return [
        letter,
        steps_of(block[own], ranges.width, ranges.width_step, f"{place}.{own}"),
        choice(block["projection"], ranges.projections, f"{place}.projection")
        if "projection" in block
        else 0,
        choice(block["heads"], ranges.heads, f"{place}.heads") if "heads" in block else 0,
        _truth(block["skip"], f"{place}.skip") if "skip" in block else 0,
    ]


def _truth(value: object, place: str) -> int:
    if not isinstance(value, bool):
        raise ValueError(f"`{place}` must be true or false, got {value!r:.40}")
    return int(value)
