"""Options that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The search, a YAML file.")]
RunFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A run directory.")]
TrialNumber = Annotated[
    int | None,
    typer.Option(
        "--trial",
        metavar="N",
        help="The network of trial N instead of the best; it is trained at full budget the first time.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
ExecutorKind = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="auto|serial|processes|ray",
        help="Where evaluations run, instead of what the configuration says; its values are kept where they fit.",
    ),
]
Progress = Annotated[
    str | None,
    typer.Option(
        "--progress",
        metavar="live|lines|silent",
        help="What is shown meanwhile, on the error stream; default: live on a terminal, lines elsewhere.",
    ),
]
Observers = Annotated[
    list[str],
    typer.Option(
        "--observer",
        metavar="NAME[(OPTIONS)]",
        help="Who else watches (repeatable): --observer csv, --observer 'wandb(project=kws)'; "
        "`analognas describe observers` lists them.",
    ),
]
Overrides = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value: --set search.trials=60 (repeatable)."),
]
