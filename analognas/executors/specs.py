"""Where evaluations run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analognas.config.spec import Spec


class SerialSpec(Spec):
    """One evaluation after the other, in the driver's process."""

    kind: Literal["serial"] = "serial"
    threads: int = Field(
        default=2,
        ge=1,
        le=256,
        description="torch threads; part of the result: other counts round differently",
    )


ExecutorSpec = SerialSpec
