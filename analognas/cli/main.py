"""The `analognas` command: one file a subcommand, nothing heavy imported before it is needed."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from analognas.cli import (
    bench,
    collect,
    compare,
    data,
    describe,
    export,
    finish,
    init,
    pack,
    replay,
    report,
    resume,
    schema,
    search,
    status,
    surrogate,
    validate,
    watch,
)
from analognas.cli.streams import drop_output
from analognas.errors import REMEDIES, NoFeasibleArchitectureError, UserError, remedy
from analognas.progress.printable import printable, tell

EXIT_USAGE: Final = 2
EXIT_NO_FEASIBLE: Final = 3

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # typer keeps it in a private module


def _shown_in_one_line(error: Exception) -> typer.Exit:
    """Write a wrong argument as one line; the whole help, when no argument was given, as it is."""
    message = str(getattr(error, "format_message", error.__str__)()).strip()
    if "\n" in message:
        typer.echo(message, err=True)
        return typer.Exit(EXIT_USAGE)
    context = getattr(error, "ctx", None)
    path = "analognas" if context is None else context.command_path
    message = message.removesuffix(".") + _what_was_given(error)
    end = "" if message.endswith("?") else ";"
    typer.echo(printable(f"{path}: {message}{end} `{path} --help` explains it"), err=True)
    return typer.Exit(EXIT_USAGE)


def _what_was_given(error: Exception) -> str:
    """Return `, got ...` where the value of an option was refused and typer's message lacks it."""
    from pydantic import ValidationError

    if not isinstance(error.__cause__, ValidationError):
        return ""
    return f", got {error.__cause__.errors()[0]['input']}"


class _ErrorsAsExitCodes(TyperGroup):
    """Shows a user's mistake as its message and its exit code; with --debug, as the traceback."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options before the subcommand."""
        try:
            return super().make_context(*arguments, **options)
        except _UsageError as error:
            raise _shown_in_one_line(error) from None

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's Context is the vendored one
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            raise _shown_in_one_line(error) from None
        except OSError as error:
            if ctx.params.get("debug") or error.errno not in REMEDIES:
                raise
            if error.filename is None:
                drop_output()
            place = "the output" if error.filename is None else error.filename
            tell(f"{place}: {error.strerror}; {remedy(error)}, and give the command again")
            raise typer.Exit(EXIT_USAGE) from None
        except (UserError, NoFeasibleArchitectureError) as error:
            if ctx.params.get("debug"):
                raise
            tell(error.on_command_line() if isinstance(error, UserError) else str(error))
            raise typer.Exit(EXIT_USAGE if isinstance(error, UserError) else EXIT_NO_FEASIBLE) from None


app = typer.Typer(
    name="analognas",
    cls=_ErrorsAsExitCodes,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"analognas {version('analognas')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a usage error.")] = False,
) -> None:
    """Find neural networks that keep their accuracy on analog in-memory computing chips.

    Exit codes: 0 done, 2 usage or configuration, 3 no trial completed, 130 interrupted.
    """


app.command("init")(init.init)
app.command("search")(search.search)
app.command("resume")(resume.resume)
app.command("finish")(finish.finish)
app.command("status")(status.status)
app.command("watch")(watch.watch)
app.command("replay")(replay.replay)
app.command("validate")(validate.validate)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("describe")(describe.describe)
app.command("collect")(collect.collect)
app.command("pack")(pack.pack)
app.command("compare")(compare.compare)
app.command("bench")(bench.bench)
app.add_typer(data.app, name="data")
app.add_typer(surrogate.app, name="surrogate")
app.command("schema")(schema.schema)
