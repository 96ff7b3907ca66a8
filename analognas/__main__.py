"""`python -m analognas`."""

from analognas.cli.main import app

app(prog_name="analognas")
