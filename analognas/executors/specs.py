"""The `executor` section of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from analognas.executors.device import DeviceName
from analognas.specs.base import Spec
from analognas.specs.durations import parse_duration

LONGEST_TRIAL_S: Final = 31_536_000.0
"""A year: longer bounds of a trial are none."""

SMALLEST_SHARE: Final = 0.001
"""Of a processor or a GPU; Ray itself counts ten-thousandths and would take less for nothing."""


_NAMED: Final = ConfigDict(json_schema_extra={"required": ["kind"]})
"""Of every kind but the default: for a JSON schema, a section without `kind` must be of one kind alone."""

_Duration = Annotated[float, BeforeValidator(parse_duration, json_schema_input_type=float | str)]


class _EvaluatingSpec(Spec):
    device: DeviceName = Field(
        default="cpu",
        description="cpu, cuda, cuda:N, or auto: a GPU where torch sees one; part of the result",
    )
    threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="torch threads of an evaluation; part of the result: other counts round differently",
    )


class SerialSpec(_EvaluatingSpec):
    """One evaluation after the other, in the driver's process."""

    model_config = _NAMED

    kind: Literal["serial"] = "serial"


class _BoundedSpec(_EvaluatingSpec):
    max_retries: int = Field(
        default=3, ge=0, le=100, description="further starts of an evaluation whose worker died"
    )
    trial_timeout: _Duration | None = Field(
        default=None,
        gt=0,
        le=LONGEST_TRIAL_S,
        description="time after which an evaluation is stopped and has failed; null: never",
    )
    memory_gb: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="gigabytes of an evaluation; one that needs more is tried once with twice as much; null: no bound",
    )


class AutoSpec(_BoundedSpec):
    """Every processor, and the same trials for any number of them: results count in the order of proposal."""

    kind: Literal["auto"] = "auto"
    workers: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="evaluations at a time, at most `search.batch`; null: processors divided by `threads`, 1 on a GPU",
    )


class _WorkersSpec(_BoundedSpec):
    max_in_flight: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="candidates proposed and not finished; null: as many as are evaluated at a time",
    )


class ProcessesSpec(_WorkersSpec):
    """Several evaluations at a time, in processes of this machine; no worker waits for another."""

    model_config = _NAMED

    kind: Literal["processes"] = "processes"
    workers: int | None = Field(
        default=None, ge=1, le=1024, description="processes; null: processors divided by `threads`"
    )


class RaySpec(_WorkersSpec):
    """Evaluations as tasks on a Ray cluster, of this machine or of many."""

    model_config = _NAMED

    kind: Literal["ray"] = "ray"
    address: str = Field(
        default="auto",
        description="auto: the cluster this machine belongs to; local: one of its own, on localhost; or HOST:PORT",
    )
    num_cpus: float = Field(
        default=1, ge=SMALLEST_SHARE, le=100_000, description="processors that an evaluation reserves"
    )
    num_gpus: float = Field(
        default=0, ge=0, le=1_000, description="GPUs that an evaluation reserves; fractions share one"
    )

    @model_validator(mode="after")
    def _gpu_is_reserved(self) -> RaySpec:
        if self.device.startswith("cuda:"):
            raise ValueError(f"Ray assigns GPUs: `device` must be cuda, auto or cpu, got {self.device}")
        if self.device == "cuda" and not self.num_gpus:
            raise ValueError(
                "`device: cuda` needs `num_gpus > 0`, got 0: Ray hides GPUs that are not reserved; "
                "0.25 lets four evaluations share one"
            )
        return self

    @field_validator("address")
    @classmethod
    def _is_address(cls, address: str) -> str:
        host, colon, port = address.rpartition(":")
        if address not in ("auto", "local") and not (
            host and "/" not in host and colon and port.isdecimal() and 0 < int(port) < 65_536
        ):
            raise ValueError(f"must be auto, local or HOST:PORT, got {address!r}")
        return address

    @field_validator("num_gpus")
    @classmethod
    def _is_share_or_whole(cls, num_gpus: float) -> float:
        if 0 < num_gpus < SMALLEST_SHARE:
            raise ValueError(f"must be 0 or at least {SMALLEST_SHARE:g}, got {num_gpus:g}")
        if num_gpus > 1 and num_gpus != int(num_gpus):
            raise ValueError(f"must be a fraction of one GPU or a whole number, got {num_gpus:g}")
        return num_gpus


def _auto_by_default(value: Any) -> Any:
    return {"kind": "auto", **value} if isinstance(value, dict) else value


ExecutorSpec = Annotated[
    Annotated[AutoSpec | SerialSpec | ProcessesSpec | RaySpec, Field(discriminator="kind")],
    BeforeValidator(_auto_by_default),
]

BUILT_IN: Final[Mapping[str, type[Spec]]] = {
    "auto": AutoSpec,
    "serial": SerialSpec,
    "processes": ProcessesSpec,
    "ray": RaySpec,
}
"""The executors by the name they have in a configuration."""

IN_ORDER: Final = (AutoSpec, SerialSpec)
"""Those whose trials are the same for any number of workers."""
