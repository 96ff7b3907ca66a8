"""A matrix on crossbar tiles for any computation: signal processing, iterative solvers.

The matrix is programmed once and multiplied as often as needed, at any time after programming. Each vector is scaled by
its own largest magnitude before the DAC, digitally, unless an input range is given; scales of columns, sums of row
blocks and drift compensation are digital, as in a network. Where tiles can be read from both sides (`tile.reads` of the
hardware), the same devices also give products with the transpose: vectors are scaled by the columns' scales first, and
by their own largest magnitude.

References:
    Le Gallo et al., Mixed-precision in-memory computing, Nat. Electron. 1:246, 2018.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar, final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from hwsim.arguments import in_float32, number, require, seconds, whole
from hwsim.assignment import AnyHardware, as_hardware
from hwsim.chips import Chips, program
from hwsim.durations import Time, time_label
from hwsim.hardware import Hardware
from hwsim.inputs import tensor_of
from hwsim.mapping import LayerMapping
from hwsim.modules import AnalogLinear, Execution
from hwsim.modules.layer import SMALLEST_SCALE
from hwsim.modules.linear import array
from hwsim.noise import NoisePool, NoiseStream
from hwsim.streams import stream

SMALLEST_VECTOR: Final = 1e-30
"""Largest magnitude of a vector that float32 still scales precisely."""

Array = TypeVar("Array", npt.NDArray[np.float64], torch.Tensor)


@final
class AnalogMatrix:
    """A matrix on tiles, read at one time after programming.

    Args:
        matrix: `(rows, columns)`, a tensor or an array of finite numbers; `A @ x` sums over columns, which are the
            inputs of the tiles.
        hardware: what it is programmed on, as for `hwsim.to_analog`.
        seed: of the chip and of the noise of products.
        chip: which chip of the seed.
        t_s: seconds since programming, or a text such as `1 day`.
        input_range: the input that drives the DAC fully; None scales each vector by its largest magnitude, as products
            with the transpose always do.

    Raises:
        ValueError: for a matrix of another shape, with NaN or infinity or with numbers that float32 does not hold, a
            time that the device does not cover, or hardware with a fixed-point unit.
        TypeError: for an argument of another type.

    Example:
        >>> A = AnalogMatrix(np.eye(3), "floating-point")
        >>> A.shape, (A @ np.array([1.0, 2.0, 3.0])).tolist()
        ((3, 3), [1.0, 2.0, 3.0])
    """

    __array_ufunc__ = None  # numpy leaves ``x @ A`` to this class

    def __init__(
        self,
        matrix: torch.Tensor | npt.NDArray[np.floating],
        hardware: AnyHardware,
        *,
        seed: int = 0,
        chip: int = 0,
        t_s: Time = 1.0,
        input_range: float | None = None,
    ) -> None:
        given = tensor_of("matrix", matrix).detach()
        if given.is_complex():
            raise TypeError(f"`matrix` must be real, got {given.dtype}: program its parts one by one")
        weight = given.to(torch.float32)
        if weight.ndim != 2 or weight.numel() == 0:
            raise ValueError(
                f"`matrix` must be `(rows, columns)`, at least one each, got {tuple(weight.shape)}"
            )
        if not bool(torch.isfinite(weight).all()):
            raise ValueError("`matrix` must be finite in float32, got NaN or infinity")
        largest = float(given.abs().max())
        if 0 < largest < SMALLEST_SCALE:
            raise ValueError(
                f"the largest number of `matrix` must be at least {SMALLEST_SCALE:g}, got {largest:g}: scale it, and "
                "products back"
            )
        hardware = as_hardware(hardware)
        if hardware.digital.kind != "floating-point":
            raise ValueError(
                f"`digital.kind` must be floating-point for a matrix, got {hardware.digital.kind}"
            )
        scaling = "dynamic" if input_range is None else "static"
        self.hardware: Hardware = hardware.replace({"converters.input_scaling": scaling})
        self._layer = array(weight, None, self.hardware, trained=False)
        if input_range is not None:
            self._layer.input_range.fill_(
                in_float32("`input_range`", number("input_range", input_range, above=0))
            )
        seed, chip = whole("seed", seed), whole("chip", chip, least=0)
        self._chips: Chips = program(nn.Sequential(self._layer), n=1, seed=seed, first=chip)
        size = [self._layer.mapping, _turned(self._layer.mapping)]
        self._pool = NoisePool.for_layers(stream(seed, "pool"), size, weight.device)
        self._read(seconds("t_s", t_s))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self._layer.weight.shape
        return rows, columns

    @property
    def T(self) -> TransposedMatrix:  # noqa: N802  # as in numpy
        """The transpose on the same devices.

        Raises:
            ValueError: for hardware whose tiles are read from one side.
        """
        if self.hardware.tile.reads != "both":
            raise ValueError(
                f"`tile.reads` must be both for products with the transpose, got {self.hardware.tile.reads} of "
                f"{self.hardware.name}: program the transpose as a matrix of its own, or replace the value if the chip "
                "can"
            )
        return TransposedMatrix(self)

    def at(self, t_s: Time) -> AnalogMatrix:
        """Return the same devices at another time: seconds since programming, or a text such as `1 day`.

        Raises:
            ValueError: for a time that the device does not cover.
        """
        other = object.__new__(AnalogMatrix)
        other.__dict__.update(self.__dict__)
        other._read(seconds("t_s", t_s))
        return other

    def weights(self) -> torch.Tensor:
        """Return what the devices hold at this time, with digital scales and drift compensation, `(rows, columns)`."""
        found = torch.empty_like(self._layer.weight)
        for (row0, row1), scale in zip(self._layer.mapping.blocks, self._scales, strict=True):
            found[:, row0:row1] = self._programmed[:, row0:row1] * scale.unsqueeze(1)
        return found

    def __matmul__(self, x: Array) -> Array:
        """Return ``A @ x`` for a vector or the columns of a matrix, with noise of its own at each product."""
        return _as_given(x, self._product(self._columns(x, self.shape[1])))

    def __rmatmul__(self, x: Array) -> Array:
        """Return ``x @ A``, a product with the transpose."""
        require(x, (torch.Tensor, np.ndarray), "what is multiplied must be a tensor or a numpy array")
        turned = self.T @ (x if x.ndim == 1 else x.T)
        return turned if x.ndim == 1 else turned.T

    def __repr__(self) -> str:
        """Return size, hardware and time."""
        rows, columns = self.shape
        return f"AnalogMatrix({rows} × {columns}, {self.hardware.name}, {time_label(self.t_s)} after programming)"

    @torch.no_grad()
    def _read(self, t_s: float) -> None:
        reading = self._chips.at(t_s, 0)
        (self._programmed,) = reading.weights.values()
        layer, self.t_s = self._layer, t_s
        execution = reading.execution("0", NoiseStream(self._pool, self._chips.mvm_key(t_s, 0)), 0)
        layer.execution, self._execution = execution, execution
        self._scales = layer.column_scales()
        if execution.compensation is not None:
            self._scales = self._scales * execution.compensation
        self._turned = None if self.hardware.tile.reads != "both" else self._turned_layers(execution)
        self._products = 0

    def _turned_layers(self, execution: Execution) -> list[AnalogLinear]:
        """Return the arrays of the transpose, one for each row block."""
        found, hardware = [], self.hardware.replace({"converters.input_scaling": "dynamic"})
        for row0, row1 in self._layer.mapping.blocks:
            # weights of one have scales of one: those of the columns are on the other side now
            ones = self._layer.weight.new_ones(row1 - row0, self.shape[0])
            layer = array(ones, None, hardware, trained=False)
            layer.execution = Execution(
                programmed=self._programmed[:, row0:row1].mT.contiguous(),
                curvature=tuple(power[:, row0:row1].mT.contiguous() for power in execution.curvature),
            )
            found.append(layer)
        return found

    def _noise(self) -> NoiseStream:
        """Return where the noise of the next product is drawn from."""
        self._products += 1
        return NoiseStream(self._pool, self._chips.mvm_key(self.t_s, 0)).child(self._products)

    @torch.no_grad()
    def _product(self, vectors: torch.Tensor) -> torch.Tensor:
        self._layer.execution = replace(self._execution, noise=self._noise())
        found: torch.Tensor = self._layer(vectors)
        return _finite(found)

    @torch.no_grad()
    def _transposed_product(self, vectors: torch.Tensor) -> torch.Tensor:
        assert self._turned is not None
        parts = []
        for layer, scale in zip(self._turned, self._scales, strict=True):
            layer.execution = replace(layer.execution, noise=self._noise())
            scaled = vectors * scale
            parts.append(layer(scaled))
        return _finite(torch.cat(parts, -1))

    def _columns(self, x: object, n: int) -> torch.Tensor:
        """Return the vectors of `x` as rows."""
        found = tensor_of("x", x)
        if found.is_complex():
            raise TypeError(f"`x` must be real, got {found.dtype}: multiply its parts one by one")
        if found.ndim not in (1, 2) or found.shape[0] != n or found.numel() == 0:
            raise ValueError(f"`x` must be `({n},)` or `({n}, vectors)`, got {tuple(found.shape)}")
        values = found.to(self._layer.weight)
        if not bool(torch.isfinite(values).all()):
            raise ValueError("`x` must be finite in float32, got NaN or infinity")
        small = (found != 0).any(0) & (values.abs().amax(0) < SMALLEST_VECTOR)
        if bool(small.any()):
            raise ValueError(
                "`x` must not vanish in float32: the largest number of a vector must be at least "
                f"{SMALLEST_VECTOR:g} unless all are 0; scale it, and the product back"
            )
        return values.unsqueeze(0) if found.ndim == 1 else values.mT


@final
class TransposedMatrix:
    """The transpose of an `AnalogMatrix`, on the same devices, which are read from the other side."""

    __array_ufunc__ = None

    def __init__(self, of: AnalogMatrix) -> None:
        self._of = of

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self._of.shape
        return columns, rows

    @property
    def T(self) -> AnalogMatrix:  # noqa: N802  # as in numpy
        """The matrix itself."""
        return self._of

    def __matmul__(self, x: Array) -> Array:
        """Return ``A.T @ x``."""
        of = self._of
        return _as_given(x, of._transposed_product(of._columns(x, of.shape[0])))

    def __rmatmul__(self, x: Array) -> Array:
        """Return ``x @ A.T``, a product with the matrix itself."""
        require(x, (torch.Tensor, np.ndarray), "what is multiplied must be a tensor or a numpy array")
        turned = self._of @ (x if x.ndim == 1 else x.T)
        return turned if x.ndim == 1 else turned.T

    def __repr__(self) -> str:
        """Return that of the matrix."""
        return f"{self._of!r}.T"


def _finite(products: torch.Tensor) -> torch.Tensor:
    """Return products, or refuse them where they leave float32."""
    if not bool(torch.isfinite(products).all()):
        raise ValueError("products must be finite in float32, got infinity: scale `x`, and the product back")
    return products


def _turned(mapping: LayerMapping) -> LayerMapping:
    return replace(mapping, rows=mapping.columns, columns=mapping.rows)


def _as_given(x: Array, rows: torch.Tensor) -> Array:
    """Return products, one a row, as what was multiplied came: columns of an array or a tensor, or one vector."""
    found = rows.squeeze(0) if x.ndim == 1 else rows.mT
    if isinstance(x, torch.Tensor):
        return found.to(x.device, x.dtype if x.is_floating_point() else found.dtype)
    kind = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float32
    return np.asarray(found.cpu().numpy(), dtype=kind)
