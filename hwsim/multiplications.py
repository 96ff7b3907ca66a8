"""Multiply-accumulates of each layer for one input: those of products of matrices and convolutions.

The network runs once, digitally; what torch computes while a module runs, and no module inside of it, is that module's
own. Elementwise operations, such as those of norms and activations, do not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from hwsim.arguments import require, whole
from hwsim.calibration import floating_point
from hwsim.inputs import explained, inputs_of


def example_of(example: object, input_shape: Sequence[int] | None) -> object:
    """Return an example, made of zeros where its shape alone is given; None without either.

    Raises:
        ValueError: for both, and a side below 1.
        TypeError: for a shape of another type.
    """
    if input_shape is None:
        return example
    if example is not None:
        raise ValueError("`input_shape` must be left out with an example, which has one")
    require(input_shape, Sequence, "`input_shape` must be the shape of one input, like (3, 32, 32)")
    return torch.zeros(1, *(whole("input_shape", side, least=1) for side in input_shape))


@torch.no_grad()
def multiply_accumulates(net: nn.Module, example: object) -> Counter[nn.Module]:
    """Return how many multiply-accumulates each module does by itself for the first input of `example`.

    Args:
        net: an analog or digital network; it runs in evaluation mode, and analog layers as digital ones.
        example: inputs, `(1 or more, ...)`; a tuple or list of several, a mapping of named ones.

    Raises:
        TypeError: for anything else.
        ValueError: for inputs that the network cannot run on.
    """
    like = next(net.parameters(), torch.empty(0))
    inputs = inputs_of("example", example, like)
    if len(inputs) == 0:
        raise ValueError("`example` must have at least one input, got none")
    one = inputs.part(0, 1).copied_to(like.device)
    found: Counter[nn.Module] = Counter()
    counter = FlopCounterMode(display=False, custom_mapping=_UNCOUNTED)
    running: list[nn.Module] = []
    seen = 0

    def note() -> None:
        nonlocal seen
        total = counter.get_total_flops()
        if running:
            found[running[-1]] += (total - seen) // 2
        seen = total

    def enter(module: nn.Module, _inputs: object) -> None:
        note()
        running.append(module)

    def leave(module: nn.Module, _inputs: object, _outputs: object) -> None:
        note()
        running.pop()

    with ExitStack() as stack:
        for module in net.modules():
            stack.callback(module.register_forward_pre_hook(enter).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        stack.enter_context(_plain_operations())
        stack.enter_context(floating_point(net))
        stack.enter_context(explained("example", one))
        stack.enter_context(counter)
        one.into(net)
    return found


@contextmanager
def _plain_operations() -> Iterator[None]:
    """Let attention compute with products of matrices, which are counted, for a while."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _matrix_vector(matrix: torch.Size, vector: torch.Size, *_: Any, **__: Any) -> int:
    return 2 * matrix.numel()


def _added_matrix_vector(_added: torch.Size, matrix: torch.Size, *_: Any, **__: Any) -> int:
    return 2 * matrix.numel()


def _trilinear(left: torch.Size, weight: torch.Size, right: torch.Size, *_: Any, **__: Any) -> int:
    """Of `nn.Bilinear`, for one input: every weight counts for two products."""
    return 4 * weight.numel()


def _recurrent(inputs: torch.Size, first: torch.Size, second: torch.Size, *_: Any, **__: Any) -> int:
    """Of one layer and direction of an LSTM on the CPU: two matrices, for each time."""
    return 2 * inputs[:-1].numel() * (first.numel() + second.numel())


def _recurrent_on_gpu(inputs: torch.Size, weights: Sequence[torch.Size], *_: Any, **__: Any) -> int:
    """Of all layers and directions: their matrices, for each time; biases are vectors."""
    return 2 * inputs[:-1].numel() * sum(weight.numel() for weight in weights if len(weight) == 2)


_UNCOUNTED: Final = {
    torch.ops.aten.mv: _matrix_vector,
    torch.ops.aten.dot: _matrix_vector,
    torch.ops.aten.addmv: _added_matrix_vector,
    torch.ops.aten._trilinear: _trilinear,
    torch.ops.aten.mkldnn_rnn_layer: _recurrent,
    torch.ops.aten._cudnn_rnn: _recurrent_on_gpu,
}
"""Operations that torch has no formula for: two for each multiply-accumulate, as it counts."""
