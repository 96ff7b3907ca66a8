"""The torch network of a genotype of the sequence space; `search_spaces.sequences.layout` has its blocks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces.initialisation import initialised
from search_spaces.sequences.ranges import BLOCKS, ENTRY_WIDTH, STRIDE, SequenceRanges
from search_spaces.space import Genotype


class Frames(nn.Module):
    """The entry of a network of frames: `(batch, channels, frames, features)` to `(batch, steps, width)`.

    Args:
        shape: `(channels, frames, features)` of one input.
        stride: frames of a step.
        width: of a step afterwards.
    """

    def __init__(self, shape: tuple[int, int, int], stride: int, width: int) -> None:
        super().__init__()
        channels, frames, features = shape
        self.steps, self.stride = frames // stride, stride
        self.linear = nn.Linear(channels * features * stride, width)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return the steps."""
        frames = x.transpose(1, 2).flatten(2)
        whole = frames[:, : self.steps * self.stride]
        steps = whole.reshape(-1, self.steps, self.stride * whole.shape[2])
        found: Tensor = self.activation(self.linear(steps))
        return found


class Symbols(nn.Module):
    """The entry of a network of symbols: `(batch, 1, 1, steps)` whole numbers to `(batch, steps, width)`.

    Args:
        symbols: how many different ones.
        width: of a step afterwards.
    """

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the steps."""
        found: Tensor = self.embedding(x.flatten(1).long())
        return found


class Recurrent(nn.Module):
    """A recurrent layer, and what came in if `skip`.

    Args:
        memory: an LSTM or a GRU, batch first.
        skip: whether what came in is added.
    """

    def __init__(self, memory: nn.LSTM | nn.GRU, skip: bool) -> None:
        super().__init__()
        self.memory, self.skip = memory, skip

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, steps, width)` to the same with another width."""
        found: Tensor = self.memory(x)[0]
        return x + found if self.skip else found


class Attention(nn.Module):
    """Self-attention and a feed-forward part, layer norms before them and a skip around each.

    The attention sees the steps with sines and cosines of their places added.

    Args:
        width: of a step.
        inner: units of the feed-forward part.
        heads: of the attention.
        steps: of a sequence.
        causal: a step sees itself and those before.

    References:
        A. Vaswani et al., Attention is all you need, NeurIPS 2017, arXiv 1706.03762.
        R. Xiong et al., On layer normalization in the transformer architecture, ICML 2020, arXiv 2002.04745.
    """

    places: Tensor

    def __init__(self, width: int, inner: int, heads: int, steps: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.register_buffer("places", torch.zeros(steps, width), persistent=False)
        self.norm = nn.LayerNorm(width)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.value, self.mix = nn.Linear(width, width), nn.Linear(width, width)
        self.inner_norm = nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, inner), nn.Linear(inner, width)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, steps, width)` to the same."""
        seen = self.norm(x + self.places)
        query, key, value = (
            self._split(self.query(seen)),
            self._split(self.key(seen)),
            self._split(self.value(seen)),
        )
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        x = x + self.mix(mixed.transpose(1, 2).flatten(2))
        found: Tensor = x + self.outer(self.activation(self.inner(self.inner_norm(x))))
        return found

    def _split(self, x: Tensor) -> Tensor:
        """Return `(batch, heads, steps, width of a head)`."""
        return x.reshape(-1, x.shape[1], self.heads, x.shape[2] // self.heads).transpose(1, 2)


class SequenceNetwork(nn.Module):
    """Entry, blocks, and a linear layer on the mean of the steps, or on every step.

    Args:
        entry: from inputs to `(batch, steps, width)`.
        blocks: one after the other.
        head: from the last width to the classes.
        every_step: whether each step is classified.
    """

    def __init__(
        self, entry: nn.Module, blocks: Sequence[nn.Module], head: nn.Linear, every_step: bool
    ) -> None:
        super().__init__()
        self.entry, self.blocks, self.head = entry, nn.Sequential(*blocks), head
        self.every_step = every_step

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(batch, classes)`, or `(batch, classes, steps)` of every step."""
        steps = self.blocks(self.entry(x))
        found: Tensor = self.head(steps).transpose(1, 2) if self.every_step else self.head(steps.mean(1))
        return found


def build(genotype: Genotype, ranges: SequenceRanges) -> nn.Module:
    """Return the network of a canonical genotype, its weights drawn with seed 0."""
    network = initialised(lambda: _network(genotype, ranges))
    for block in network.modules():
        if isinstance(block, Attention):
            block.places.copy_(_places(*block.places.shape))
    return network


def _places(steps: int, width: int) -> Tensor:
    """Return sines and cosines of the places of steps, `(steps, width)`."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles = torch.arange(steps)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width]


@cache
def _silence_projections() -> None:
    """Provoke and suppress a warning that torch gives once a process: a projection takes its slower code."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        nn.LSTM(1, 2, proj_size=1, device="cpu")(torch.zeros(1, 1, 1, device="cpu"))


def _network(genotype: Genotype, ranges: SequenceRanges) -> SequenceNetwork:
    width, stride = genotype[ENTRY_WIDTH] * ranges.width_step, ranges.strides[genotype[STRIDE]]
    entry: nn.Module = (
        Symbols(ranges.n_classes, width) if ranges.symbols else Frames(ranges.input_shape, stride, width)
    )
    blocks: list[nn.Module] = []
    for place in range(genotype[BLOCKS]):
        start = ranges.head_genes + ranges.block_genes * place
        letter, steps, projection, heads, skip = genotype[start : start + ranges.block_genes]
        own, divisor = steps * ranges.width_step, ranges.projections[projection]
        match ranges.types[letter]:
            case "L":
                projected = own // divisor if divisor > 1 else 0
                if projected:
                    _silence_projections()
                memory = nn.LSTM(width, own, batch_first=True, proj_size=projected)
                blocks.append(Recurrent(memory, bool(skip)))
                width = projected or own
            case "G":
                blocks.append(Recurrent(nn.GRU(width, own, batch_first=True), bool(skip)))
                width = own
            case _:
                blocks.append(
                    Attention(width, own, ranges.heads[heads], ranges.frames // stride, ranges.symbols)
                )
    return SequenceNetwork(entry, blocks, nn.Linear(width, ranges.n_classes), ranges.symbols)
