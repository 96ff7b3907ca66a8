"""`analognas schema`."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON schema of a configuration, for editors that complete and check YAML."""
    from analognas.config.sections import SearchConfig

    typer.echo(json.dumps(SearchConfig.model_json_schema(), indent=1))
