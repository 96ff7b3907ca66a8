"""YAML without repeated keys."""

from __future__ import annotations

from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node."""
        keys = [str(key.value) for key, _ in node.value]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                said = f"each key must be there once, got `{key}` twice"
                raise yaml.constructor.ConstructorError(None, None, said, node.value[place][0].start_mark)
        return super().construct_mapping(node, deep)
