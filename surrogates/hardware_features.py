"""Features of hardware, for a surrogate of networks that were measured on several: what is different between them.

`surrogates.architecture_features` has what a network makes of hardware, the noise over the signal of its layers; these
are of the hardware alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hwsim.durations import MONTH_S
from surrogates.architecture_features import weight_error

if TYPE_CHECKING:
    import pandas as pd

    import hwsim

NO_CONVERTER: Final = 24
"""Bits that stand for no converter: as many as one can have."""

HARDWARE_FEATURES: Final[Mapping[str, str]] = {
    "log_tile_rows": "rows of a tile",
    "log_tile_columns": "columns of a tile",
    "dac_bits": f"resolution of inputs, {NO_CONVERTER} for none",
    "adc_bits": f"resolution of outputs, {NO_CONVERTER} for none",
    "input_noise": "noise of inputs, in units of their range",
    "output_noise": "noise of outputs, in fully-on inputs times fully-on weights",
    "read_noise": "noise of weights in a product, in units of the largest",
    "log_weight_error": "error of weights a day after programming, in units of the largest",
    "log_weight_error_month": "the same a month after programming: drift",
}
"""What each feature is; names that begin with `log_` are natural logarithms."""


SEEN: Final = (
    ("tile", "rows"),
    ("tile", "columns"),
    ("converters", "dac_bits"),
    ("converters", "adc_bits"),
    ("mvm", "input_noise"),
    ("mvm", "output_noise"),
    ("mvm", "read_noise"),
)
"""What of a description the features tell whole; the device is in the error of its weights."""


def beyond_features(hardware: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a description of hardware no feature tells: only among hardware that shares it a model knows more.

    >>> import hwsim
    >>> "rows" in beyond_features(hwsim.preset("pcm-hermes-2").model_dump())["tile"]
    False
    """
    left = {
        name: dict(part) if isinstance(part, Mapping) else part
        for name, part in hardware.items()
        if name not in ("name", "citation")
    }
    for section, key in SEEN:
        if isinstance(left.get(section), dict):
            left[section].pop(key, None)
    device = left.get("device")
    if isinstance(device, Mapping):
        left["device"] = device.get("kind")
    return left


def hardware_features(hardware: hwsim.Hardware, n: int) -> pd.DataFrame:
    """Return the features of hardware for `n` networks on it, `(n, features)` float32, all rows equal.

    Raises:
        ValueError: for hardware whose devices hold no finite weights after a day.
    """
    import pandas as pd

    tile, converters, mvm = hardware.tile, hardware.converters, hardware.mvm
    values = {
        "log_tile_rows": math.log(tile.rows),
        "log_tile_columns": math.log(tile.columns),
        "dac_bits": converters.dac_bits or NO_CONVERTER,
        "adc_bits": converters.adc_bits or NO_CONVERTER,
        "input_noise": mvm.input_noise,
        "output_noise": mvm.output_noise,
        "read_noise": mvm.read_noise,
        "log_weight_error": math.log(max(weight_error(hardware), 1e-9)),
        "log_weight_error_month": math.log(max(_month_error(hardware), 1e-9)),
    }
    return pd.DataFrame({name: np.full(n, value, dtype=np.float32) for name, value in values.items()})


def _month_error(hardware: hwsim.Hardware) -> float:
    """Return the error of weights after a month, or after a day of devices that are not known for as long."""
    try:
        return weight_error(hardware, MONTH_S)
    except ValueError:
        return weight_error(hardware)
