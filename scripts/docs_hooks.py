"""Pages of the documentation site that are made when it is built: the help of every command, and pages of the root."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FROM_THE_ROOT = {
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
    "conduct.md": "CODE_OF_CONDUCT.md",
}


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that no folder holds."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "reference/command-line.md", content=command_line_page()))
    for name, source in FROM_THE_ROOT.items():
        files.append(
            File.generated(
                config, name, content=page_of_the_root((ROOT / source).read_text(encoding="utf-8"))
            )
        )
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to files of the repository that are no pages to their names alone."""
    return re.sub(r"\[([^]]+)\]\(\.\./(?!reference/)[^)]+\)", r"`\1`", markdown)


def page_of_the_root(text: str) -> str:
    """Return a file of the root as a page, its links led to where pages lie."""
    for name, source in FROM_THE_ROOT.items():
        text = text.replace(f"]({source}", f"]({name}")
    return text.replace("](docs/", "](")


def command_line_page() -> str:
    """Return the help of every command."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from analognas.cli.main import app

    runner = CliRunner(env={"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"})
    parts = [
        "# Command line\n",
        "`analognas COMMAND --help` shows the same. Exit codes: 0 done, 2 usage or configuration, 3 no trial ",
        "completed, 130 interrupted.\n",
    ]

    def add(words: list[str], command: Any) -> None:
        inner = getattr(command, "commands", None)
        if words and not inner:
            shown = runner.invoke(app, [*words, "--help"], prog_name="analognas").output.strip()
            parts.append(f"\n## analognas {' '.join(words)}\n\n```text\n{shown}\n```\n")
        for name in inner or ():
            add([*words, name], inner[name])

    add([], get_command(app))
    return "".join(parts)
