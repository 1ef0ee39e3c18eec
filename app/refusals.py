"""How the command line refuses: one sentence on stderr and no traceback."""

import sys
from typing import NoReturn

import typer


def fail(sentence: str) -> NoReturn:
    """End the command with exit status 1."""
    print(f"error: {sentence}", file=sys.stderr)
    raise typer.Exit(1)
