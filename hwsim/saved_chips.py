"""What all files of chips share: which chips can be saved, files that are whole or not there, and clear errors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pydantic import ValidationError
from safetensors import SafetensorError

from hwsim.arguments import require
from hwsim.chips import Chips


def checked_path(path: object) -> Path:
    """Return what the caller gave as the path of a file.

    Raises:
        TypeError: for what is no path.
    """
    require(path, (str, os.PathLike), "`path` must name a file")
    assert isinstance(path, str | os.PathLike)
    return Path(path)


def require_described(chips: Chips) -> None:
    """Check that a file can say which device chips have.

    Raises:
        TypeError: for anything but chips.
        ValueError: for chips of a device object, which no file describes.
    """
    require(chips, Chips, "`chips` must be hwsim.Chips", "call hwsim.program(net, n) first")
    if chips.own_device:
        raise ValueError(
            f"`chips` must have the device of their hardware to be saved, got {type(chips.device).__name__}: "
            "offer it as an entry point in the group `hwsim.devices`"
        )


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file beside `path` for writing; it takes the place of `path` once it is complete.

    Raises:
        ValueError: for a folder, a path in a folder that does not exist, or a file that cannot be written.
    """
    if not path.absolute().parent.is_dir():
        raise ValueError(f"`path` must lie in a folder that exists, got {path}: create {path.parent} first")
    if path.is_dir():
        raise ValueError(f"`path` must be a file that can be written, got {path}: it is a folder")
    partial = path.absolute().with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"`path` must be a file that can be written, got {path}: {error}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def must_hold(path: Path, what: str) -> Iterator[None]:
    """Read metadata of a file inside; what is missing or damaged becomes one line.

    Args:
        path: of the file.
        what: that the file must hold, for the message.

    Raises:
        ValueError: where reading raises KeyError, TypeError or ValueError.
    """
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = f"`{'.'.join(('hardware', *map(str, first['loc'])))}` that is invalid: {first['msg']}"
    except json.JSONDecodeError as error:
        said = f"text that is no JSON: {error}"
    except KeyError as error:
        said = f"no {error}"
    except (TypeError, ValueError) as error:
        said = " ".join(str(error).split())
    else:
        return
    raise ValueError(f"{path}: must hold {what}, got {said}") from None
