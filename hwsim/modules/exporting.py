"""Analog layers compute on chips, and are not for files of torch's."""

from __future__ import annotations

from typing import NoReturn

import torch


def refuse_export() -> NoReturn:
    """Raise RuntimeError with what to export instead."""
    raise RuntimeError(
        "analog layers cannot be exported, traced or scripted: call hwsim.to_digital(net) first"
    )


def refuse_when_exported() -> None:
    """Raise RuntimeError while torch exports or traces."""
    if torch.compiler.is_exporting() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        refuse_export()
