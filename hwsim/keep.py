"""What an evaluation keeps of the outputs of a pass, so that no more than that is held for all items."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Keep: TypeAlias = Callable[[Any, int, int], Any]
"""From the outputs of a pass, the number of its first item and that behind its last, to tensors `(items, ...)`.

It is called from several threads, on the device of the chips, and under torch.vmap.
"""
