"""One base class of all errors, documented in one place."""

import importlib
import pickle
import re
from pathlib import Path

import pytest

import analognas
from analognas import errors
from analognas.specs.problems import ConfigError, Place, Problem

ROOT = Path(analognas.__file__).parent


def raised_on_purpose() -> list[type[Exception]]:
    """Return every exception class that `analognas` defines, without the suites for those who extend it."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for name in re.findall(r"^class (\w+)\((?:\w*Error|Exception)\b", path.read_text(), re.MULTILINE):
            module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
            if not name.startswith("Broken"):
                found.append(getattr(importlib.import_module(module), name))
    assert len(found) >= 11
    return found


def test_every_error_that_reaches_a_user_has_the_base_class() -> None:
    inner = {"ImageError", "WavError", "NpzError", "MismatchError"}  # caught and told as a UserError
    names = {kind.__name__ for kind in raised_on_purpose() if not issubclass(kind, analognas.AnalognasError)}
    assert names == inner


def test_every_such_error_is_in_the_table() -> None:
    table = errors.__doc__ or ""
    for kind in raised_on_purpose():
        if issubclass(kind, analognas.AnalognasError) and kind.__name__ != "NoSuchDeviceError":
            assert f"`{kind.__name__}`" in table, kind.__name__


@pytest.mark.parametrize(
    "error",
    [
        errors.UserError("no such file; choose another with ", errors.Argument("out")),
        errors.NoBestNetworkError("runs/x: no network yet"),
        errors.NoFeasibleArchitectureError("none"),
        errors.EvaluationError("diverged"),
        ConfigError([Problem(Place(1, 2, "a.yaml"), "seed", "must be >= 0")]),
    ],
)
def test_an_error_survives_a_process_boundary(error: analognas.AnalognasError) -> None:
    again = pickle.loads(pickle.dumps(error))  # processes hand them on like this
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert isinstance(again, analognas.AnalognasError)


def test_a_run_without_a_network_is_a_users_error_and_still_a_value_error() -> None:
    assert issubclass(errors.NoBestNetworkError, errors.UserError)
    assert issubclass(errors.NoBestNetworkError, ValueError)
