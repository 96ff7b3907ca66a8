"""Calibrated ranges of a layer: a check that they are known, and the share of values inside them."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def require_ranges(input_range: torch.Tensor, output_range: torch.Tensor | None, name: str = "") -> None:
    """Raise ValueError unless input and output range are calibrated.

    Args:
        input_range: `(blocks,)`.
        output_range: 0-dim, of a fixed-point unit; None in floating point.
        name: of the layer, for the message.
    """
    place = f" `{name}`" if name else ""
    if output_range is not None and not 0 < float(output_range.detach()) < float("inf"):
        raise ValueError(
            f"`output_range > 0` must hold for every layer with a fixed-point unit, got "
            f"{float(output_range.detach()):g}{place}: call hwsim.calibrate(net, batches) first"
        )
    if not bool(((input_range > 0) & input_range.isfinite()).all()):
        raise ValueError(
            f"`input_range > 0` must hold for every analog layer, got {input_range.tolist()}{place}: "
            "call hwsim.calibrate(net, batches) first"
        )


@torch.no_grad()
def shares_inside(inputs: Iterable[torch.Tensor], limits: torch.Tensor) -> torch.Tensor:
    """Return the share of each tensor's values that lie within plus or minus its limit, `(tensors,)` float32."""
    return torch.stack(
        [(values.abs() <= limit).float().mean() for values, limit in zip(inputs, limits, strict=True)]
    )
