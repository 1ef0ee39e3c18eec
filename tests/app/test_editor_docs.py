"""docs/editor.md says what is so."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "editor.md").read_text()
REGISTRY = (ROOT / "app" / "editor" / "web" / "src" / "actions" / "index.js").read_text()
# Not in the registry: parts of keys, and what a field or a dialog takes by itself.
PLAIN = {"Ctrl", "Alt", "⌘", "Enter", "Esc", "?", "ArrowLeft", "ArrowRight"}


def test_every_key_that_the_page_names_does_something() -> None:
    keys = {key for row in re.findall(r"keys: \[(.*?)\]", REGISTRY) for key in re.findall(r'"(.*?)"', row)}
    named = set(re.findall(r"`(\S+?)`", PAGE)) - PLAIN
    assert len(named) > 30
    assert named <= keys


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"\]\((images/.*?)\)", PAGE)
    assert len(pictures) >= 3
    assert [picture for picture in pictures if not (ROOT / "docs" / picture).is_file()] == []
