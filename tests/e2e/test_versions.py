"""What was, in a real browser: undo over a restart, versions of a workflow, earlier results of a node."""

from typing import Any

import pytest
from conftest import Editor
from playwright.sync_api import expect
from served import served

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUN = 180_000
SMALL: dict[str, Any] = {
    "format": "patchloom/1",
    "nodes": {
        "world": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "write": {"type": "prompt_template", "version": 1, "params": {}},
    },
    "layout": {"world": {"x": 0, "y": 0}, "write": {"x": 320, "y": 0}},
}


def write(editor: Editor, text: str) -> None:
    field = editor.node("world").get_by_role("textbox", name="Text")
    field.fill(text)
    field.blur()
    editor.wait_for_records(lambda records: records["node:world"]["params"]["text"] == text)
    editor.settled()


def text_of(editor: Editor) -> str:
    return str(editor.records()["node:world"]["params"]["text"])


def test_undo_goes_on_after_the_server_was_killed(editor: Editor) -> None:
    editor.bring_in(SMALL)
    write(editor, "a blue star")
    write(editor, "a green cube")
    editor.page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: records["node:world"]["params"]["text"] == "a blue star")
    editor.settled()
    editor.server.process.kill()
    editor.server.process.wait()
    with served(editor.server.home, port=editor.server.port):
        editor.open("/w/small")
        # That nobody answered meanwhile.
        editor.complaints.clear()
        assert text_of(editor) == "a blue star"
        expect(editor.page.get_by_role("button", name="Undo")).to_be_enabled()
        editor.page.keyboard.press("Control+Shift+z")
        editor.wait_for_records(lambda records: records["node:world"]["params"]["text"] == "a green cube")
        for before in ("a blue star", "a red ball"):
            editor.page.keyboard.press("Control+z")
            editor.wait_for_records(lambda records, text=before: records["node:world"]["params"]["text"] == text)
        expect(editor.page.get_by_role("button", name="Undo")).to_be_disabled()
        editor.page.close()
