"""What the tests of a run found about each variant, and the table of it at the end of the run.

A plugin of every run of pytest, so what takes seconds to import waits until there is something to say.
"""

from typing import Any

import pytest

RUNS = ("resumed", "branched")
FILES = ("sharded", "diffusers", "original", "comfy", "gguf", "lora", "float8", "bfloat16")
LEGEND = """\
A number: the largest difference from diffusers' own pipeline, or from diffusers' own reading of the file. =: none, bit
for bit. runs: made here, and what is given is kept; diffusers has no pipeline for it. no: refused while wiring.
text, image, last, both (frames), loop, on and back (a clip extended), connect (two clips), edit (SDEdit), long (by
windows or sections). gguf: from the numbers that it stands for. float8: of the layer furthest from the whole one, as a
share; nearer than diffusers' layerwise casting. diffusers, original, comfy: single files in these layouts. none: no
such files are published, or are read. blank: not run."""

_found: dict[tuple[str, str], list[float | str]] = {}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where processes test side by side, each hands over what it found."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["found"] = list(_found.items())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what one of them found; one that died has nothing to hand over."""
    for place, found in getattr(node, "workeroutput", {}).get("found", []):
        _found.setdefault(place, []).extend(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _found:
        told = lines()  # before the title, since imports may have something to say
        terminalreporter.section("our nodes beside diffusers", sep="-")
        for line in told:
            terminalreporter.write_line(line)


def agree(row: str, column: str, ours: Any, theirs: Any, atol: float = 1e-5) -> None:
    """Assert that two tensors are equal to `atol`, and note by how much they are not."""
    import torch

    ours, theirs = torch.as_tensor(ours), torch.as_tensor(theirs)
    torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)
    note(row, column, float((ours.float() - theirs.float()).abs().max()))


def note(row: str, column: str, found: float | str) -> None:
    """found: a difference, or "runs", "no", "none"."""
    from variants import VARIANTS

    assert row in VARIANTS, f"{row} is no variant"
    _found.setdefault((row, column), []).append(found)


def lines() -> list[str]:
    """The table, as far as this run found anything."""
    from variants import TASKS, VARIANTS

    made: list[str] = []
    for columns in ((*TASKS, "long"), (*FILES, *RUNS)):
        if not any((row, column) in _found for row in VARIANTS for column in columns):
            continue
        made += ["", " " * 25 + " ".join(f"{column:>9}" for column in columns)]
        made += [f"{row:25}" + " ".join(f"{_cell(row, column):>9}" for column in columns) for row in VARIANTS]
    return [*made, "", *LEGEND.splitlines()]


def _cell(row: str, column: str) -> str:
    found = _found.get((row, column), [])
    numbers = [one for one in found if isinstance(one, float)]
    if numbers:
        return f"{max(numbers):.0e}".replace("e-0", "e-") if max(numbers) else "="
    return str(found[0]) if found else ""
