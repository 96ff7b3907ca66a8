"""The `space` section of networks of recurrent and attention blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from analognas.spaces.base_spec import SpaceSpec
from analognas.spaces.bounds import letters_of, ordered
from search_spaces import SequenceRanges, SequenceSpace
from search_spaces.sequences.ranges import TYPES

Units = Annotated[int, Field(ge=1, le=4096)]
Bounds = Annotated[tuple[Units, Units], AfterValidator(ordered)]


class SequenceSpec(SpaceSpec):
    """LSTM, GRU and attention blocks, for sequences: spectrograms in time, or a text; all can be narrowed."""

    kind: Literal["sequence"] = "sequence"
    entry_width: Bounds = Field(
        default=(16, 64), description="width of what the first block sees: [low, high]"
    )
    width: Bounds = Field(
        default=(16, 128),
        description="hidden units of a recurrent block, inner ones of attention: [low, high]",
    )
    width_step: int = Field(default=8, ge=1, le=64, description="between two widths; all are multiples of it")
    blocks: int = Field(default=3, ge=1, le=12, description="most blocks of a network")
    types: Annotated[str, AfterValidator(letters_of(TYPES))] = Field(
        default=TYPES,
        description="block types: L LSTM, G GRU, A self-attention with a feed-forward part, causal for a text",
    )
    projections: tuple[int, ...] = Field(
        default=(1, 2),
        description="an LSTM passes on its hidden units divided by this, 1 first; divisors of `width_step`",
    )
    heads: tuple[int, ...] = Field(default=(1, 2, 4), description="of attention; they divide every width")
    strides: tuple[int, ...] | None = Field(
        default=None, description="frames that are one step; null: 1, 2 and 4, and 1 for a text"
    )

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> SequenceSpace:
        """Return the space; inputs of one row are symbols, each of which is a class.

        Raises:
            ValueError: when a choice is none that a network can have.
        """
        symbols = input_shape[:2] == (1, 1)
        strides = tuple(stride for stride in (1, 2, 4) if stride <= input_shape[1])
        return SequenceSpace(
            SequenceRanges(
                input_shape=input_shape,
                n_classes=n_classes,
                symbols=symbols,
                entry_width=self.entry_width,
                width=self.width,
                width_step=self.width_step,
                blocks=self.blocks,
                types=self.types,
                projections=self.projections,
                heads=self.heads,
                strides=((1,) if symbols else strides) if self.strides is None else self.strides,
            )
        )
