"""What the choices of spaces of blocks have to keep: each rule raises an error that names it and the value."""

from __future__ import annotations

from collections.abc import Sequence


def check_input_shape(shape: tuple[int, ...], axes: str) -> None:
    """Raise a `ValueError` unless `shape` has three axes, each at least 1; `axes` is what the error calls them."""
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"`input_shape` must be {axes}, each at least 1, got {shape}")


def check_positive(**values: int) -> None:
    """Raise a `ValueError` unless every value is at least 1."""
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"`{name} >= 1` must hold, got {value}")


def check_widths(step: int, **bounds: tuple[int, int]) -> None:
    """Raise a `ValueError` unless each is (smallest, largest) in multiples of `width_step`."""
    for name, (low, high) in bounds.items():
        if not 0 < low <= high or low % step or high % step:
            raise ValueError(
                f"`{name}` must be (smallest, largest), multiples of `width_step` {step}, got {(low, high)}"
            )


def check_types(types: str, known: str) -> None:
    """Raise a `ValueError` unless `types` are some letters of `known`, in its order."""
    if not types or "".join(letter for letter in known if letter in types) != types:
        raise ValueError(f"`types` must be some of the letters {known} in this order, got {types!r}")


def check_ascending(**choices: Sequence[int]) -> None:
    """Raise a `ValueError` unless each is whole numbers from 1, ascending, each once."""
    for name, values in choices.items():
        if not values or min(values) < 1 or sorted(set(values)) != list(values):
            raise ValueError(
                f"`{name}` must be whole numbers from 1, ascending, each once, got {tuple(values)}"
            )
