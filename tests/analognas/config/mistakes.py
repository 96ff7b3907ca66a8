"""What a configuration is told that is wrong."""

from pathlib import Path

import pytest

from analognas.config.loader import load_config
from analognas.specs.problems import ConfigError


def problems(tmp_path: Path, text: str, *overrides: str) -> list[str]:
    path = tmp_path / "search.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    lines = caught.value.on_command_line().splitlines()
    return [line.removeprefix(f"{tmp_path}/") for line in lines]
