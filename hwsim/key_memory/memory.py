"""A memory of keys on crossbar tiles: support vectors in its columns, queries as inputs, labels in digital memory.

    s_i = e(a_i) / Σ_j e(a_j),   score of a class = Σ s_i over its keys,   a_i cosine of key and query, e sharpening

One read compares a query with all keys at once. A key is programmed when it arrives, and drifts from then on. Encoding
of queries, offsets of columns, sharpening and sums are digital. The ADCs span the largest output that the keys can
return. Hardware states its output noise for the ADC span of a network's layers; here the noise grows with the span.

References:
    Karunaratne et al., Robust high-dimensional memory-augmented neural networks, Nat. Commun. 12:2468, 2021,
        arXiv 2010.01939.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch

from hwsim.arguments import number, one_of, require, seconds, whole
from hwsim.assignment import AnyHardware, as_hardware
from hwsim.chip_cost.cost import cost as cost_of
from hwsim.chip_cost.description import Chip
from hwsim.chip_cost.result import ChipCost
from hwsim.compensation import compensation_factors, readout
from hwsim.devices import Device, DeviceState
from hwsim.devices.device import NonlinearDevice
from hwsim.durations import Time
from hwsim.hardware import Hardware
from hwsim.inputs import tensor_of
from hwsim.key_memory.codes import (
    DEVICES,
    KEYS,
    SHARPENINGS,
    Devices,
    Keys,
    Sharpening,
    applied,
    cosine,
    sharpened,
    written,
)
from hwsim.modules import AnalogLinear, Execution
from hwsim.modules.linear import array
from hwsim.noise import NoisePool, NoiseStream
from hwsim.programming import MINUS, PLUS
from hwsim.streams import derive_seed, stream

Vectors = torch.Tensor | npt.NDArray[np.floating[Any]]


@final
class KeyMemory:
    """Keys on devices, compared with queries in one read.

    Args:
        width: numbers of a key, d.
        columns: keys that there is room for: ways times shots.
        hardware: what it is on, as for `hwsim.to_analog`; g_max always stands for the largest weight of each column.
        keys: `real`, `bipolar` (signs) or `binary` (0 and 1, read with 1-bit inputs).
        devices: of a bit: `single` or `complementary`; None for single ones of binary keys, and pairs of others. Real
            keys are on differential pairs.
        sharpening: `absolute`, `softabs` or `none`.
        corrects_offsets: whether the ones of each binary key are counted and taken off digitally; other keys have no
            such offset.
        out_bound: largest output of a tile, in conducting devices with inputs of one; None for what the keys can
            return.
        seed: of devices and noise.

    Attributes:
        labels: `(keys,)` int64, of the keys that are written.
        classes: those labels, each once, sorted: the order of scores.

    Raises:
        ValueError: for sizes below 1, unknown kinds, single devices for real keys, offsets of keys that have none, or
            hardware with a fixed-point unit.
        TypeError: for an argument of another type.

    Example:
        >>> memory = KeyMemory(64, columns=4, hardware="pcm-hermes-1")
        >>> keys = torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
        >>> memory.write(keys, [3, 3, 8, 8])
        >>> memory.predict(keys, "1 day").tolist()
        [3, 3, 8, 8]
    """

    def __init__(
        self,
        width: int,
        columns: int,
        hardware: AnyHardware,
        *,
        keys: Keys = "binary",
        devices: Devices | None = None,
        sharpening: Sharpening = "absolute",
        corrects_offsets: bool = True,
        out_bound: float | None = None,
        seed: int = 0,
    ) -> None:
        self.width, self.columns = whole("width", width, least=1), whole("columns", columns, least=1)
        one_of("keys", keys, KEYS)
        if devices is None:
            devices = "single" if keys == "binary" else "complementary"
        one_of("devices", devices, DEVICES)
        one_of("sharpening", sharpening, SHARPENINGS)
        if keys == "real" and devices == "single":
            raise ValueError(
                "`devices` must be complementary for real keys, which have two signs, got single"
            )
        require(corrects_offsets, bool, "`corrects_offsets` must be True or False")
        if not corrects_offsets and keys != "binary":
            raise ValueError(
                f"`corrects_offsets` must be left out for {keys} keys, which unlike binary ones have none, got False"
            )
        self.keys, self.devices, self.sharpening = keys, devices, sharpening
        self.corrects_offsets = corrects_offsets
        self._out_bound = None if out_bound is None else number("out_bound", out_bound, above=0)
        self.hardware: Hardware = as_hardware(hardware).replace({"converters.weight_scaling": "column"})
        if self.hardware.digital.kind != "floating-point":
            raise ValueError(
                f"`digital.kind` must be floating-point for a memory of keys, got {self.hardware.digital.kind}"
            )
        self.seed = whole("seed", seed)
        self._device: Device = self.hardware.build_device()
        self._pool = NoisePool(stream(self.seed, "pool"), max(self.width, self.columns))
        self._writes = self._reads = 0
        self.clear()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_devices(self) -> int:
        """Devices of all columns, written or not."""
        return self.width * self.columns * (1 if self.devices == "single" else 2)

    def clear(self) -> None:
        """Forget all keys; what is written then is programmed again, with errors of its own."""
        self.labels = torch.zeros(0, dtype=torch.int64)
        self._held = torch.zeros(0, self.width)
        self._state: DeviceState = {}
        self._layer: AnalogLinear | None = None
        self._readings: dict[float, Execution] = {}

    @property
    def classes(self) -> torch.Tensor:
        """The labels that are written, each once, sorted."""
        found: torch.Tensor = torch.unique(self.labels)
        return found

    @torch.no_grad()
    def write(
        self, keys: Vectors, labels: torch.Tensor | npt.NDArray[np.integer[Any]] | Sequence[int]
    ) -> None:
        """Program keys into the next columns.

        Args:
            keys: `(keys, width)`, as a controller gives them, before any sign is taken.
            labels: `(keys,)`, whole numbers.

        Raises:
            ValueError: for keys of another width, not finite, all zeros where they are real, more than there are
                columns left, labels of another number or from 2**63 on.
            TypeError: for anything but tensors, arrays or sequences of numbers.
        """
        vectors = self._vectors("keys", keys)
        new = _labels(labels)
        if new.is_floating_point() or new.is_complex() or new.dtype == torch.bool:
            raise TypeError(f"`labels` must be whole numbers, got {new.dtype}")
        if tuple(new.shape) != (len(vectors),):
            raise ValueError(f"`labels` must be one a key, ({len(vectors)},), got {tuple(new.shape)}")
        left = self.columns - len(self)
        if len(vectors) > left:
            raise ValueError(
                f"`keys` must be at most as many as columns that are left, {left} of {self.columns}, got "
                f"{len(vectors)}: make a memory of more `columns`, or `clear()` it"
            )
        if self.keys == "real" and bool((vectors == 0).all(1).any()):
            raise ValueError(
                "`keys` must have a length above 0 to be compared by cosines, got a key of zeros"
            )
        held = written(vectors, self.keys, self.devices)
        state = self._device.program(self._targets_us(held), stream(self.seed, "keys", self._writes))
        self._writes += 1
        self._state = {
            name: torch.cat([self._state[name], value], 1) if self._state else value
            for name, value in state.items()
        }
        self._held, self.labels = torch.cat([self._held, held]), torch.cat([self.labels, new.long()])
        self._layer = array(self._held, None, self._read_hardware(), trained=False)
        self._layer.input_range.fill_(1.0)
        self._readings.clear()

    @torch.no_grad()
    def similarity(self, queries: Vectors, t_s: Time = 1.0) -> torch.Tensor:
        """Return the cosines of queries and keys that the devices tell, `(queries, keys)` float32.

        Args:
            queries: `(queries, width)`, as the controller gives them.
            t_s: seconds since keys were written, or a text such as `1 day`. Noise is drawn at each read.

        Raises:
            ValueError: for an empty memory, queries of another width or not finite, or a time that the device does not
                cover.
            TypeError: for an argument of another type.
        """
        vectors, t_s = self._vectors("queries", queries), seconds("t_s", t_s)
        if self._layer is None:
            raise ValueError(
                "keys must be written before they are read, got none: call `write(keys, labels)`"
            )
        if t_s not in self._readings:
            self._readings[t_s] = self._reading(self._layer, t_s)
        inputs = applied(vectors, self.keys)
        self._reads += 1
        key = derive_seed(self.seed, "mvm", t_s, self._reads)
        execution = self._readings[t_s]
        self._layer.execution = Execution(
            programmed=execution.programmed,
            compensation=execution.compensation,
            curvature=execution.curvature,
            noise=NoiseStream(self._pool, key),
        )
        outputs = self._layer(inputs)
        return cosine(outputs, inputs, self._held, self.keys, self.devices, self.corrects_offsets)

    def attention(self, queries: Vectors, t_s: Time = 1.0) -> torch.Tensor:
        """Return the attention on each key, `(queries, keys)`: sharpened cosines over the sum of their magnitudes.

        They add up to 1 but for `sharpening="none"`, whose cosines may be negative. As `similarity`.
        """
        found = sharpened(self.similarity(queries, t_s), self.sharpening)
        return found / found.abs().sum(1, keepdim=True).clamp(min=1e-12)

    def scores(self, queries: Vectors, t_s: Time = 1.0) -> torch.Tensor:
        """Return the score of each of `classes`, `(queries, classes)`: attention on its keys. As `similarity`."""
        attention = self.attention(queries, t_s)
        values = (self.labels[:, None] == self.classes[None]).to(attention.dtype)
        return attention @ values

    def predict(self, queries: Vectors, t_s: Time = 1.0) -> torch.Tensor:
        """Return the label with the largest score for each query, `(queries,)` int64. As `similarity`."""
        return self.classes[self.scores(queries, t_s).argmax(1)]

    def cost(self, chip: Chip | str, **options: Any) -> ChipCost:
        """Return energy, latency and tiles of one read of all columns on a described chip, as `hwsim.cost` counts them.

        A read counts as any product of this size on the chip: with its own input bits and devices a weight, whatever
        the keys are.

        Args:
            chip: as for `hwsim.cost`.
            options: of `hwsim.cost`, such as `mode` or `age`.
        """
        matrix = {"name": "keys", "rows": self.width, "columns": self.columns, "groups": 1, "positions": 1}
        return cost_of([matrix], chip, **options)

    def __repr__(self) -> str:
        """Return size and kind."""
        return (
            f"KeyMemory({len(self)} of {self.columns} keys × {self.width}, {self.keys}, {self.devices} devices, "
            f"{self.hardware.name})"
        )

    def _vectors(self, name: str, value: object) -> torch.Tensor:
        found = tensor_of(name, value)
        if found.is_complex() or found.ndim != 2 or found.shape[1] != self.width or len(found) == 0:
            raise ValueError(
                f"`{name}` must be real and `({name}, {self.width})`, at least one, got {found.dtype} "
                f"{tuple(found.shape)}"
            )
        found = found.detach().to("cpu", torch.float32)
        if not bool(torch.isfinite(found).all()):
            raise ValueError(f"`{name}` must be finite in float32, got NaN or infinity")
        return found

    def _targets_us(self, held: torch.Tensor) -> torch.Tensor:
        """Return the conductances to program, `(1 or 2, keys, width)`, µS."""
        if self.keys == "real":
            layer = array(held, None, self.hardware, trained=False)
            held = layer.normalised_weight()
        sides = [held] if self.devices == "single" else [held.clamp(min=0), (-held).clamp(min=0)]
        span_us = self._device.g_max_us - self._device.g_min_us
        return torch.stack(sides) * span_us + self._device.g_min_us

    def _read_hardware(self) -> Hardware:
        """Return the hardware with converters for these keys."""
        converters = self.hardware.converters
        changes: dict[str, Any] = {
            "converters.adc_gain": "fixed",
            "converters.input_scaling": "dynamic" if self.keys == "real" else "static",
        }
        if self.keys != "real" and converters.dac_bits is not None:
            changes["converters.dac_bits"] = 2  # one bit and a sign
        if converters.out_bound is not None:
            bound = self._out_bound or self._largest_output()
            changes["converters.out_bound"] = bound
            changes["mvm.output_noise"] = self.hardware.mvm.output_noise * bound / converters.out_bound
        return self.hardware.replace(changes)

    def _largest_output(self) -> float:
        """Return the output of a query that equals a key, the largest of all keys and row blocks."""
        layer = array(self._held, None, self.hardware, trained=False)
        weights = layer.normalised_weight()
        found = [float(weights[:, row0:row1].square().sum(1).max()) for row0, row1 in layer.mapping.blocks]
        return max(1.0, *found)

    def _reading(self, layer: AnalogLinear, t_s: float) -> Execution:
        """Return what the devices hold at a time, with their drift compensation."""
        now_us = self._device.read(self._state, t_s, stream(self.seed, "keys", "read", t_s))
        weights, programmed = self._weights(now_us), self._weights(self._state["g_us"])
        how, factors = self.hardware.compensation, None
        if how.kind != "none":
            reference, now = (
                readout(layer.crossbar, held, how.readout, stream(self.seed, "keys", "readout", at))
                for held, at in ((programmed, "programming"), (weights, t_s))
            )
            factors = compensation_factors(reference, now, layer.mapping, how.kind)
        curvature: tuple[torch.Tensor, ...] = ()
        if isinstance(self._device, NonlinearDevice) and self._device.is_nonlinear:
            span_us = self._device.g_max_us - self._device.g_min_us
            powers = self._device.curvature_us(now_us)
            curvature = tuple(
                (power[PLUS] - (power[MINUS] if len(power) > 1 else 0)) / span_us for power in powers
            )
        return Execution(programmed=weights, compensation=factors, curvature=curvature)

    def _weights(self, g_us: torch.Tensor) -> torch.Tensor:
        """Return what sides of conductances, `(1 or 2, keys, width)` µS, stand for, in units of g_max."""
        low_us, span_us = self._device.g_min_us, self._device.g_max_us - self._device.g_min_us
        return (g_us[PLUS] - (g_us[MINUS] if self.devices == "complementary" else low_us)) / span_us


def _labels(given: object) -> torch.Tensor:
    """Return labels as a tensor."""
    if isinstance(given, Sequence) and not isinstance(given, str):
        try:
            given = np.asarray(given)
        except ValueError:
            raise TypeError(
                "`labels` must be one whole number a key, got lists of different length"
            ) from None
    found = tensor_of("labels", given, "a list of whole numbers will do")
    if found.dtype == torch.uint64 and bool((found.long() < 0).any()):
        raise ValueError(f"`labels` must be below 2**63, got {int(found.numpy().max())}")
    return found
