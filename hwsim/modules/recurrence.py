"""A cell over a sequence, forwards or backwards, for sequences of one length or of several.

Sequences of several lengths are packed as torch packs them: the longest first, step by step, so that the rows of a
step are those of the step before or the first of them. A row that has ended keeps its state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import torch

from hwsim.modules.composite import held
from hwsim.modules.recurrent_arrays import RecurrentArrays, State


class Layout(Protocol):
    """How the steps of all sequences of a batch lie in a tensor."""

    def steps(self, values: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return the rows of each step, `(rows, size)`."""
        ...

    def joined(self, steps: list[torch.Tensor]) -> torch.Tensor:
        """Return one tensor of what `steps` returned."""
        ...


@final
@dataclass(frozen=True)
class Padded:
    """Sequences of one length: `(batch, time, size)`."""

    def steps(self, values: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return the rows of each step."""
        return values.unbind(1)

    def joined(self, steps: list[torch.Tensor]) -> torch.Tensor:
        """Return one tensor of all steps."""
        return torch.stack(steps, 1)


@final
@dataclass(frozen=True)
class Packed:
    """Sequences of several lengths: `(rows of all steps, size)`.

    Attributes:
        batch_sizes: rows of each step.
    """

    batch_sizes: list[int]

    def steps(self, values: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return the rows of each step."""
        return torch.split(values, self.batch_sizes)

    def joined(self, steps: list[torch.Tensor]) -> torch.Tensor:
        """Return one tensor of all steps."""
        return torch.cat(steps)


def run(
    arrays: RecurrentArrays, inputs: torch.Tensor, layout: Layout, first: State, *, reverse: bool
) -> tuple[torch.Tensor, State]:
    """Return the outputs of a cell at every step, laid out as its inputs, and its last state.

    Args:
        arrays: of the cell.
        inputs: as `layout` has them.
        layout: of the sequences.
        first: state before the first step, `(batch, size)` each.
        reverse: run from the last step of each sequence to its first.
    """
    with held(arrays):
        given = [layout.steps(part) for part in arrays.given(inputs)]
        n_steps = len(given[0])
        outputs: list[torch.Tensor] = [inputs] * n_steps
        ended: list[State] = []
        order = range(n_steps - 1, -1, -1) if reverse else range(n_steps)
        state = tuple(part[: given[0][order[0]].shape[0]] for part in first)
        for step in order:
            now = tuple(part[step] for part in given)
            rows, running = now[0].shape[0], state[0].shape[0]
            if rows < running:
                ended.append(tuple(part[rows:] for part in state))
                state = tuple(part[:rows] for part in state)
            elif rows > running:
                state = tuple(
                    torch.cat([part, begins[running:rows]]) for part, begins in zip(state, first, strict=True)
                )
            state = arrays.step(now, state)
            outputs[step] = state[0]
    for rest in reversed(ended):
        state = tuple(torch.cat([part, others]) for part, others in zip(state, rest, strict=True))
    return layout.joined(outputs), state
