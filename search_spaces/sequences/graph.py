"""The layers of sequence networks in order: what each waits for, from their sizes alone.

What follows on a recurrent block waits for all of its steps, and so does attention.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from search_spaces.layer_graph import INPUT, GraphBuilder, LayerGraph
from search_spaces.sequences.layout import Layout
from search_spaces.sequences.ranges import SequenceRanges

Integers = npt.NDArray[np.int64]

Results: TypeAlias = list[tuple[Integers, Integers]]
"""Places of the nodes that something comes from, and how many outputs of each come before its first one."""


def layer_graph(sizes: Layout, ranges: SequenceRanges) -> LayerGraph:
    """Return the graph of each network."""
    n, steps = len(sizes.entry), sizes.steps
    graph = GraphBuilder(n)
    nowhere, one = np.full(n, INPUT), np.ones(n, dtype=np.int64)
    before: Results = [(nowhere, one), (nowhere, one)]
    if not ranges.symbols:
        entry = graph.layer(sizes.stride * ranges.frame_width, sizes.entry, steps)
        before[0] = (np.full(n, entry), one)
    for place in range(ranges.blocks):
        before = _block(graph, sizes, place, before)
    if ranges.symbols:
        graph.layer(sizes.last, ranges.n_classes, steps, sources=before)
        return graph.built()
    pooled = graph.step(
        sizes.last,
        1,
        np.where(steps > 1, steps * sizes.last, 0),
        copies=steps > 1,
        sources=_all(before, steps),
    )
    after = [(np.where(steps > 1, pooled, at), np.where(steps > 1, 1, need)) for at, need in before]
    graph.layer(sizes.last, ranges.n_classes, 1, sources=after)
    return graph.built()


def _block(graph: GraphBuilder, sizes: Layout, place: int, before: Results) -> Results:
    """Add a block to the networks that have it, and return where what follows comes from."""
    recurrent = _recurrent(graph, sizes, place, before)
    attention = _attention(graph, sizes, place, before)
    after: Results = []
    for old, looped, attended in zip(before, recurrent, attention, strict=True):
        at, need = old
        for (other, more), here in (
            (looped, sizes.gates[:, place] > 0),
            (attended, sizes.of_type("A")[:, place]),
        ):
            at, need = np.where(here, other, at), np.where(here, more, need)
        after.append((at, need))
    return after


def _recurrent(graph: GraphBuilder, sizes: Layout, place: int, before: Results) -> Results:
    steps, c, o = sizes.steps, sizes.before[:, place], sizes.after[:, place]
    gates = sizes.gates[:, place]
    here, columns = gates > 0, gates * sizes.width[:, place]
    inputs = graph.layer(c, columns, steps, copies=here, sources=before)
    hidden = graph.layer(o, columns, steps, copies=here, sources=_all(before, steps))
    projects, skips = sizes.projected[:, place], sizes.skip[:, place]
    one = np.ones_like(steps)
    projection = graph.layer(
        sizes.width[:, place], o, steps, copies=projects, sources=[(inputs, steps), (hidden, one)]
    )
    nowhere = np.full_like(steps, INPUT)
    ends = [
        (np.where(projects, projection, inputs), steps),
        (np.where(projects, nowhere, hidden), np.where(projects, 1, steps)),
    ]
    added = graph.step(o, steps, o * steps, copies=skips, sources=[*_all(before, steps), *ends])
    return [
        (np.where(skips, added, ends[0][0]), np.where(skips, 1, ends[0][1])),
        (np.where(skips, INPUT, ends[1][0]), np.where(skips, 1, ends[1][1])),
    ]


def _attention(graph: GraphBuilder, sizes: Layout, place: int, before: Results) -> Results:
    steps, c, w = sizes.steps, sizes.before[:, place], sizes.width[:, place]
    here = sizes.of_type("A")[:, place].astype(np.int64)
    one = np.ones_like(steps)
    scored = graph.layer(c, c, steps, copies=3 * here, sources=before)
    mixed = graph.layer(c, c, steps, copies=here, sources=[(scored, steps)])
    first = graph.step(c, steps, c * steps, copies=here, sources=[*before, (mixed, one)])
    inner = graph.layer(c, w, steps, copies=here, sources=[(first, one)])
    outer = graph.layer(w, c, steps, copies=here, sources=[(inner, one)])
    second = graph.step(c, steps, c * steps, copies=here, sources=[(first, one), (outer, one)])
    return [(np.full_like(steps, second), one), (np.full_like(steps, INPUT), one)]


def _all(results: Results, steps: Integers) -> Results:
    """Return the same sources, of each of which all outputs are needed."""
    return [(at, np.where(at == INPUT, 1, steps)) for at, _ in results]
