"""Model folders in the real formats, made here and offline; and a table of what was found."""

import os
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    import table

    if found := table.lines():
        terminalreporter.section("our nodes beside diffusers", sep="-")
        for line in found:
            terminalreporter.write_line(line)
