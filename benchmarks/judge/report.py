"""Accuracy as a table."""

from __future__ import annotations

from rich.table import Table

from benchmarks.judge.model import ATTRIBUTES, Accuracy


def table(measured: Accuracy, title: str = "The judge on rendered clips of held-out combinations") -> Table:
    """A row for each kind of clip, a column for each attribute."""
    made = Table("clips", *ATTRIBUTES, "all four", title=title, box=None, title_justify="left")
    for kind, shares in measured.items():
        row(made, kind, shares)
    return made


def row(table: Table, name: str, shares: dict[str, float], count: int | None = None) -> None:
    """One more row: name, count (where the table has that column), and the share of each attribute that was seen."""
    cells = (f"{shares[each]:.1%}" if each in shares else "" for each in (*ATTRIBUTES, "all"))
    table.add_row(name, *([str(count)] if count is not None else []), *cells)
