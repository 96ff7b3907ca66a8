"""YAML without repeated keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from hwsim.arguments import require


def read_yaml(path: str | os.PathLike[str], what: str) -> Any:
    """Return the content of a YAML file of `what`.

    Raises:
        ValueError: for a file that cannot be read.
        TypeError: for a path of another type.
    """
    require(path, (str, os.PathLike), "`path` must name a YAML file")
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), _StrictLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise ValueError(f"{path}: must be a YAML file of {what}: {said}") from None


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node."""
        keys = [str(key.value) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                said = f"each key must be there once, got `{key}` twice"
                raise yaml.constructor.ConstructorError(None, None, said, node.value[place][0].start_mark)
        return super().construct_mapping(node, deep)
