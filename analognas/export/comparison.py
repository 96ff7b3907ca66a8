"""Comparison of a file that was written with the network that it was written from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from analognas.export.error import ExportError
from analognas.export.standardised import Standardised

N_EXAMPLES: Final = 3
TOLERANCE: Final = 1e-3
"""Largest difference of logits that other kernels may make, relative to the largest logit: they sum in other orders."""


@torch.no_grad()
def example(model: Standardised, inputs: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return raw inputs `(3, *input_shape)` float32 and the logits of `model` for them, on the CPU.

    Args:
        model: its mode is kept.
        inputs: raw inputs to take the first from; None draws some from a seed.
    """
    if inputs is None or len(inputs) < N_EXAMPLES:
        drawn = torch.randn(N_EXAMPLES, *model.input_shape, generator=torch.Generator().manual_seed(0))
        inputs = drawn * model.std.cpu() + model.mean.cpu()
    x = inputs[:N_EXAMPLES].detach().to("cpu", torch.float32)
    modes = {module: module.training for module in model.modules()}
    try:
        return x, model.eval()(x.to(model.mean.device)).cpu()
    finally:
        for module, training in modes.items():
            module.training = training


def require_same_logits(file: str, found: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> str:
    """Return in words how closely logits `(n, classes)` agree.

    Args:
        file: whose logits they are, for the message.
        found: what the file computes.
        expected: what the network computes.
        tolerance: largest difference, relative to the largest magnitude in `expected`.

    Raises:
        ExportError: when they differ by more.
    """
    if found.shape != expected.shape:
        raise ExportError(
            f"{file} must give logits {tuple(expected.shape)}, gave {tuple(found.shape)} when it was loaded again"
        )
    largest = float((found - expected).abs().max())
    scale = max(1.0, float(expected.abs().max()))
    if not largest <= tolerance * scale:
        raise ExportError(
            f"{file} must give the network's logits within {tolerance * scale:.2g}, differed by {largest:.2g} when it "
            "was loaded again"
        )
    return f"logits of {len(expected)} inputs differ by at most {largest:.1g}"


def require_same_tensors(file: str, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Return in words that two sets of tensors are the same, bit for bit.

    Raises:
        ExportError: when they are not.
    """
    for name, tensor in expected.items():
        if name not in found or not torch.equal(found[name], tensor):
            raise ExportError(f"{file} must hold `{name}` as it is, held another when it was loaded again")
    return f"{len(expected)} tensors are the same, bit for bit"
