"""Random features of kernels, their products on the crossbar, as a transformer of scikit-learn.

The rows of Ω are the columns of an array, which is programmed once; every product W x is one MVM of it. Factors, norms,
cosines, steps and exponentials are digital. A classifier behind them stays as it is where only the chip changes: `on`
gives the same features on other hardware.

References:
    Büchel et al., Kernel approximation using analog in-memory computing, arXiv 2411.03375.
"""

from __future__ import annotations

import math
import os
import warnings
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from hwsim.arguments import in_float32, number, one_of, seconds, whole
from hwsim.assignment import as_hardware
from hwsim.chip_cost.description import Chip
from hwsim.durations import Time
from hwsim.hardware import Hardware
from hwsim.inputs import native
from hwsim.random_features.kernels import MAPS, Kernel
from hwsim.random_features.products import Products, Programmed, programmed
from hwsim.random_features.projections import SAMPLERS, Sampler

Matrix = npt.NDArray[np.floating[Any]]

UNCLIPPED: Final = 0.999
"""Share of the numbers that `fit` sees which are inside the input range, as `hwsim.calibrate` has it."""


@final
class AnalogRandomFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features whose inner products estimate a kernel, with their random products on a chip.

    Args:
        kernel: `rbf`, `arccos0`, `arccos1` or `softmax`.
        sampler: `rff`, `orf` or `sorf`, how rows of the projection are drawn.
        n_components: rows of the projection, columns of the array; `rbf` and `softmax` have two features of each.
        gamma: γ of `rbf`, which the others do not have.
        hardware: what the projection is on, as for `hwsim.to_analog`.
        chip_seed: of the chip and of the noise of products.
        time_s: seconds since programming, or a text such as `1 day`.
        input_range: the input that drives the DAC fully; None for the magnitude that 99.9 % of the numbers of `fit` do
            not exceed. Hardware with dynamic input scaling needs none.
        random_state: of the projection, as everywhere in scikit-learn.

    Attributes:
        projection_: `(n_components, n_features_in_)` float32, what was programmed.
        programmed_: the same shape, what the devices hold at that time, in units of g_max.
        compensation_: `(row blocks, n_components)`, digital factors against drift; None for none.
        input_range_: see above.

    Products of equal rows at an equal place in `X` are equal: noise is that of the chip, not of the call. On hardware
    with noise, a row's features depend on its place.

    Example:
        >>> features = AnalogRandomFeatures("rbf", "orf", n_components=64, gamma=0.1, random_state=0)
        >>> z = features.fit_transform(np.eye(3))
        >>> z.shape, bool(abs(z @ z.T - np.exp(-0.2 * (1 - np.eye(3)))).max() < 0.1)
        ((3, 128), True)
    """

    def __init__(
        self,
        kernel: Kernel = "rbf",
        sampler: Sampler = "rff",
        n_components: int = 100,
        gamma: float = 1.0,
        hardware: Hardware | Chip | str | os.PathLike[str] = "floating-point",
        chip_seed: int = 0,
        time_s: Time = 1.0,
        input_range: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.kernel = kernel
        self.sampler = sampler
        self.n_components = n_components
        self.gamma = gamma
        self.hardware = hardware
        self.chip_seed = chip_seed
        self.time_s = time_s
        self.input_range = input_range
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: object = None) -> AnalogRandomFeatures:
        """Draw the projection and program it.

        Args:
            X: `(samples, features)`, of which the number of features and the input range are taken.
            y: not used.

        Raises:
            ValueError: for data that scikit-learn refuses, an unknown kernel or sampler, a number out of its range, or
                a time that the device does not cover.
            TypeError: for an argument of another type.
        """
        data: Matrix = validate_data(self, X, dtype=[np.float64, np.float32])
        one_of("kernel", self.kernel, MAPS)
        one_of("sampler", self.sampler, SAMPLERS)
        n = whole("n_components", self.n_components, least=1)
        self.kernel_, self.gamma_ = self.kernel, number("gamma", self.gamma, above=0)
        rng = check_random_state(self.random_state)
        self.projection_ = SAMPLERS[self.sampler](n, data.shape[1], rng).astype(np.float32)
        if self.input_range is None:
            found = float(np.quantile(np.abs(data), UNCLIPPED))
            self.input_range_ = in_float32("the range of `X`", found, "scale it first") if found > 0 else 1.0
        else:
            self.input_range_ = in_float32("`input_range`", number("input_range", self.input_range, above=0))
        self._program()
        return self

    def transform(self, X: npt.ArrayLike) -> Matrix:
        """Return the features of each row, `(samples, n_components)` or twice as many, in the precision of `X`.

        Rows so long that all their exponentials of `softmax` vanish are warned of.

        Raises:
            ValueError: for data that scikit-learn refuses, numbers that float32 does not hold, or features that are
                not finite.
            sklearn.exceptions.NotFittedError: before `fit`.
        """
        check_is_fitted(self)
        data: Matrix = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        inputs = torch.tensor(native(data), dtype=torch.float32)
        if data.dtype != np.float32 and not bool(torch.isfinite(inputs).all()):
            raise ValueError("`X` must be finite in float32, got infinity: scale it first")
        kernel = MAPS[self.kernel_]
        found = np.empty((len(data), self._n_features_out), dtype=data.dtype)
        out, factor = torch.from_numpy(found), kernel.factor(self.gamma_, data.shape[1])
        for part, products in self._products.of(inputs):
            if factor != 1:
                products = products * factor
            kernel.map_(products.to(out.dtype), inputs[part].to(out.dtype) * factor, out[part])
        if not bool(torch.isfinite(out).all()):
            raise ValueError(
                f"features must be finite in {data.dtype}, got NaN or infinity: scale `X` or `gamma` down"
            )
        if self.kernel_ == "softmax":
            _warn_of_lost_rows(data, out)
        return found

    def on(
        self,
        hardware: Hardware | Chip | str | os.PathLike[str],
        *,
        chip_seed: int | None = None,
        time_s: Time | None = None,
    ) -> AnalogRandomFeatures:
        """Return the fitted features, the same projection, on other hardware, another chip or at another time.

        Args:
            hardware: as of the class.
            chip_seed: None for that of this one.
            time_s: None for that of this one.

        Raises:
            ValueError: for a time that the device does not cover.
            TypeError: for an argument of another type.
            sklearn.exceptions.NotFittedError: before `fit`.
        """
        check_is_fitted(self)
        other = AnalogRandomFeatures(**{**self.get_params(deep=False), "hardware": hardware})
        other.chip_seed = self.chip_seed if chip_seed is None else chip_seed
        other.time_s = self.time_s if time_s is None else time_s
        for name in (
            "kernel_",
            "gamma_",
            "projection_",
            "input_range_",
            "n_features_in_",
            "feature_names_in_",
        ):
            if name in self.__dict__:
                setattr(other, name, getattr(self, name))
        other._program()
        return other

    @property
    def _n_features_out(self) -> int:
        """What scikit-learn names features by."""
        return MAPS[self.kernel_].per_product * len(self.projection_)

    def _program(self) -> None:
        hardware = as_hardware(self.hardware)
        if hardware.digital.kind != "floating-point":
            raise ValueError(
                f"`digital.kind` must be floating-point for random features, got {hardware.digital.kind}"
            )
        self.chip_seed_, self.time_s_ = whole("chip_seed", self.chip_seed), seconds("time_s", self.time_s)
        held = programmed(self.projection_, hardware, self.chip_seed_, self.time_s_)
        self.programmed_, self.compensation_, self.curvature_ = held
        self.hardware_ = hardware.model_dump(mode="json")
        self._multiply_with(hardware)

    def _multiply_with(self, hardware: Hardware) -> None:
        held = Programmed(self.programmed_, self.compensation_, self.curvature_)
        self._products = Products(
            self.projection_, held, hardware, self.input_range_, self.chip_seed_, self.time_s_
        )

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters, numbers and arrays of numpy."""
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_products"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take them back."""
        super().__setstate__(state)
        if "hardware_" in self.__dict__:
            self._multiply_with(Hardware.model_validate(self.hardware_))

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks: which precisions stay, and whether a row's features depend on its place."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        try:
            mvm = as_hardware(self.hardware).mvm
        except (TypeError, ValueError):  # `fit` says so
            return tags
        tags.non_deterministic = mvm.output_noise > 0 or mvm.input_noise > 0 or mvm.read_noise > 0
        return tags


def _warn_of_lost_rows(data: Matrix, features: torch.Tensor) -> None:
    """Warn of rows whose features are all zero: exp(-‖x‖² / (2 √d)) leaves the range of the precision."""
    lost = (features.amax(1) == 0).nonzero().flatten()
    if not len(lost):
        return
    row = int(lost[0])
    longest = math.sqrt(-2 * math.sqrt(data.shape[1]) * math.log(torch.finfo(features.dtype).tiny))
    warnings.warn(
        f"{len(lost)} of {len(data)} rows of `X` are too long for softmax in {data.dtype}: all features of row "
        f"{row}, of length {float(np.linalg.norm(data[row])):.3g}, are zero; scale rows to less than {longest:.3g}",
        RuntimeWarning,
        stacklevel=3,
    )
