"""The table at the end of a run is the same whether one process found what it says, or several."""

import os
import subprocess
import sys
from pathlib import Path

import table

VARIANTS = 'TASKS = ("text",)\nVARIANTS = {"one": None, "two": None, "three": None}\n'
FOUND = {"one": [1e-6, 0.0], "two": ["no"]}


def test_processes_that_test_side_by_side_end_with_the_whole_table(tmp_path: Path) -> None:
    (tmp_path / "variants.py").write_text(VARIANTS)
    for row, found in FOUND.items():
        notes = "".join(f"    table.note({row!r}, 'text', {one!r})\n" for one in found)
        (tmp_path / f"test_{row}.py").write_text(f"import table\n\n\ndef test_one() -> None:\n{notes}")
    alone, two = said(tmp_path), said(tmp_path, "-n", "2", "--dist", "load")
    assert alone == two
    assert [line.split() for line in two[1:5]] == [["text", "long"], ["one", "1e-6"], ["two", "no"], ["three"]]


def said(folder: Path, *asked: str) -> list[str]:
    """What a run of pytest on a folder says from the table on, but for how long it took."""
    paths = os.pathsep.join([str(folder), str(Path(table.__file__).parent)])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "table", "-p", "no:cacheprovider", *asked, str(folder)]
    environment = {name: one for name, one in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run(
        command, cwd=folder, env=environment | {"PYTHONPATH": paths}, capture_output=True, text=True, check=True
    )
    lines = ran.stdout.splitlines()
    assert lines[-1].startswith("2 passed")
    start = next(number for number, line in enumerate(lines) if "our nodes beside diffusers" in line)
    return lines[start + 1 : -1]
