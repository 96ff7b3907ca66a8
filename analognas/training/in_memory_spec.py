"""The section `training.in_memory`: on which devices, and by which algorithm, candidates learn in the array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, model_validator

from analognas.specs.base import MismatchError, Spec

DeviceName = Literal[
    "capacitor",
    "ecram",
    "ecram-mo",
    "gokmen-vlasov",
    "idealized",
    "pcm",
    "reram-es",
    "reram-hfo2",
    "reram-om",
    "reram-sb",
]
"""The devices of `hwsim.learning.device_names()`; importing these would import torch."""

TRANSFERS: Final = ("transfer_every", "transfer_columns")
TAKES: Final[Mapping[str, tuple[str, ...]]] = {
    "sgd": (),
    "mixed-precision": ("transfer_every",),
    "tiki-taka": TRANSFERS,
    "ttv2": TRANSFERS,
    "c-ttv2": (*TRANSFERS, "chop_probability"),
    "agad": (*TRANSFERS, "chop_probability", "tail"),
}
"""Options that each algorithm has besides those of all."""
BUFFERED: Final = ("ttv2", "c-ttv2", "agad")
RATE: Final = 0.1
BUFFER_RATE: Final = 10.0


class InMemorySpec(Spec):
    """Candidates learn on their chips, by pulses, and are judged on these chips.

    `digital` says how long: epochs, updates, batches, warm-up. `hardware_aware` does not happen.
    """

    algorithm: Literal["sgd", "mixed-precision", "tiki-taka", "ttv2", "c-ttv2", "agad"] = Field(
        default="agad", description="what the pulses follow"
    )
    device: DeviceName = Field(description="of all arrays, as hwsim.learning has them")
    learning_rate: float | None = Field(
        default=None, gt=0, description="of the arrays, or their buffer; null: 0.1, of a buffer 10"
    )
    digital_learning_rate: float = Field(
        default=RATE, gt=0, description="of biases and norms, which are digital"
    )
    weight_range: float = Field(
        default=0.4, gt=0, le=1, description="place of the largest initial weight in the range of a cell"
    )
    periphery: Literal["preset", "standard", "ideal"] = Field(
        default="preset", description="converters and noise: 7 and 9 bits, 8 bits each, or none"
    )
    transfer_every: int | None = Field(
        default=None, ge=1, le=1_000_000, description="mini-batches between two transfers; null: 1"
    )
    transfer_columns: int | None = Field(
        default=None, ge=1, le=100_000, description="columns read then, of two arrays; null: 32"
    )
    chop_probability: float | None = Field(
        default=None, gt=0, lt=1, description="of a flip of a column's sign after its read; null: 0.1"
    )
    tail: float | None = Field(
        default=None, gt=0, le=1e6, description="reads that count in the reference of agad; null: 5"
    )

    @model_validator(mode="after")
    def _algorithm_has_the_options(self) -> InMemorySpec:
        for name in (*TRANSFERS, "chop_probability", "tail"):
            if getattr(self, name) is not None and name not in TAKES[self.algorithm]:
                having = ", ".join(kind for kind, options in TAKES.items() if name in options)
                raise MismatchError(
                    f"`{name}` must be left out with `algorithm: {self.algorithm}`, it is an option of {having}",
                    (name,),
                    ("algorithm",),
                )
        return self

    def rate(self) -> float:
        """Return the learning rate."""
        if self.learning_rate is not None:
            return self.learning_rate
        return BUFFER_RATE if self.algorithm in BUFFERED else RATE

    def options(self) -> dict[str, float]:
        """Return the options of the algorithm; short trainings want more transfers and flips than published presets."""
        short = {"transfer_every": 1, "transfer_columns": 32, "chop_probability": 0.1, "tail": 5.0}
        written = {name: getattr(self, name) for name in short}
        return {
            name: short[name] if written[name] is None else written[name] for name in TAKES[self.algorithm]
        }
