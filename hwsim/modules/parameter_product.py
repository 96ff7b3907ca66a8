"""A matrix of a module's own on crossbar tiles: ``x @ self.weight``, ``F.linear(x, self.weight)``.

The array takes the place of the parameter in its module, whose `forward` stays as it is: a product of a tensor with it
runs on tiles. Any other use of it raises; `hwsim.parameter_products` finds the parameters that have none.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn, TypeAlias, final

import torch
from torch import nn
from torch.nn import functional as F

from hwsim.hardware import Hardware
from hwsim.modules.composite import AnalogComposite
from hwsim.modules.linear import array

Orientation: TypeAlias = Literal["right", "weight"]
"""Of `x @ P`, whose columns are outputs, or `F.linear(x, P)`, whose rows are."""

MATMULS: Final = (operator.matmul, torch.matmul, torch.mm, torch.Tensor.matmul, torch.Tensor.mm)
"""Products of which the matrix is the right operand."""
LINEAR: Final = F.linear


@final
class ParameterProduct(AnalogComposite):
    """A matrix parameter whose products run on an array.

    Args:
        parameter: `(rows, columns)` for `right`, `(columns, rows)` for `weight`.
        orientation: which products it is in.
        hardware: of the array.
    """

    def __init__(self, parameter: torch.Tensor, orientation: Orientation, hardware: Hardware) -> None:
        super().__init__()
        self.orientation = orientation
        turned = parameter.detach() if orientation == "weight" else parameter.detach().mT.contiguous()
        self.array = array(turned, None, hardware, parameter.requires_grad)

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute what torch is asked to compute with a matrix in place of a tensor."""
        return product(function, arguments, named or {})

    def __rmatmul__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return ``inputs @ parameter``."""
        found: torch.Tensor = product(operator.matmul, (inputs, self), {})
        return found

    @property
    def T(self) -> Transposed:  # noqa: N802  # as in torch
        """The parameter's transpose, for products alone."""
        return Transposed(self)

    @property
    def mT(self) -> Transposed:  # noqa: N802
        """The same."""
        return Transposed(self)

    def t(self) -> Transposed:
        """Return the same."""
        return Transposed(self)

    def transpose(self, first: int, second: int) -> Transposed:
        """Return the same."""
        assert {first % 2, second % 2} == {0, 1}
        return Transposed(self)

    def __getattr__(self, name: str) -> Any:
        """Refuse what a tensor has and products do not need."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if not hasattr(torch.Tensor, name):
                raise
        raise AttributeError(
            f"a parameter on tiles is only multiplied by, got `.{name}`: name its module in `digital_layers` of "
            "hwsim.to_analog"
        )

    def parameter(self) -> nn.Parameter:
        """Return the parameter whose place this has, as it is now."""
        weight = self.array.digital_weight()
        matrix = weight if self.orientation == "weight" else weight.mT.contiguous()
        return nn.Parameter(matrix, self.array.weight.requires_grad)

    def digital(self) -> NoReturn:
        """Refuse: what takes this place is a parameter, and no module."""
        raise TypeError("a parameter is no module: call `parameter()`")


@final
class Transposed:
    """The transpose of a parameter on tiles, which is only multiplied by."""

    def __init__(self, of: ParameterProduct) -> None:
        self.of = of

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute what torch is asked to compute with a matrix in place of a tensor."""
        return product(function, arguments, named or {})

    def __rmatmul__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return ``inputs @ parameter.T``."""
        found: torch.Tensor = product(operator.matmul, (inputs, self), {})
        return found


def product(function: Any, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """Return ``function(*arguments, **named)`` with a matrix on tiles among the arguments.

    Raises:
        TypeError: for anything but a product that the tiles can do.
    """
    is_linear = function is LINEAR
    known = is_linear or function in MATMULS or getattr(function, "__name__", "") == "__matmul__"
    values = dict(zip(("input", "weight", "bias"), arguments, strict=False)) | dict(named)
    inputs, matrix, bias = values.pop("input", None), values.pop("weight", None), values.pop("bias", None)
    matrix = values.pop("other", values.pop("mat2", matrix))
    is_turned = isinstance(matrix, Transposed)
    owner = matrix.of if isinstance(matrix, Transposed) else matrix
    if known and isinstance(owner, ParameterProduct) and not values:
        wanted: Orientation = "weight" if is_linear != is_turned else "right"
        if owner.orientation == wanted:
            outputs = owner.array(inputs)
            return outputs if bias is None else outputs + bias
    name = getattr(function, "__name__", str(function))
    raise TypeError(
        f"a parameter on tiles must be the matrix of a product as it was when it was converted, got it in `{name}`: "
        "name its module in `digital_layers` of hwsim.to_analog"
    )
