"""The workflows that are shipped: those that run at once, and those that need open weights."""

from pathlib import Path

import pipelines

SHIPPED = Path(pipelines.__file__).parent / "library"
NEEDING = SHIPPED / "open_weights"
ENDING = ".loom.json"


def shipped_file(name: str) -> Path | None:
    """The file of a shipped workflow; None if there is none of that name."""
    return next((path for folder in (SHIPPED, NEEDING) if (path := folder / f"{name}{ENDING}").is_file()), None)
