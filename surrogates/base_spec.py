"""What every specification of a surrogate offers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from surrogates.surrogate import FittedSurrogate, Surrogate


class SurrogateSpec(BaseModel):
    """A `surrogate` section of a configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str

    @abstractmethod
    def build(self) -> Surrogate:
        """Return the surrogate.

        Raises:
            UserError: when another package offers it and it cannot be made.
        """


class BuiltInSpec(SurrogateSpec):
    """A surrogate of this package, which `load_surrogate` can read."""

    @classmethod
    @abstractmethod
    def load(
        cls, folder: Path, manifest: dict[str, Any], members: Sequence[FittedSurrogate]
    ) -> FittedSurrogate:
        """Return the fitted surrogate that its `save` wrote.

        Args:
            folder: with its files.
            manifest: the content of `manifest.json`.
            members: the fitted surrogates that the manifest names as `members`.

        Raises:
            KeyError: when the manifest lacks a key.
        """
