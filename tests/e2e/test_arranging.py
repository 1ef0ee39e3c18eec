"""Arranging the canvas: frames, notes, tidying, aligning, setting nodes aside, finding."""

from typing import Any

import pytest
from conftest import Editor, middle
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

ROW = {
    "format": "patchloom/1",
    "nodes": {
        "prompt": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "expand": {"type": "expand_prompt", "version": 1, "params": {}},
        "again": {"type": "expand_prompt", "version": 1, "params": {}},
    },
    "wires": [
        {"from": ["prompt", "text"], "to": ["expand", "text"]},
        {"from": ["expand", "text"], "to": ["again", "text"]},
    ],
    "layout": {"prompt": {"x": 700, "y": 30}, "expand": {"x": 60, "y": 0}, "again": {"x": 380, "y": 250}},
}


def place(records: dict[str, Any], node: str) -> tuple[float, float]:
    return records[f"layout:{node}"]["x"], records[f"layout:{node}"]["y"]


def pick(editor: Editor, *nodes: str) -> None:
    for number, node in enumerate(nodes):
        modifiers = ["Control"] if number else []
        editor.node(node).locator(".node-title").click(modifiers=modifiers)


def test_tidying_puts_each_node_after_those_that_it_needs_as_one_edit(editor: Editor) -> None:
    editor.bring_in(ROW)
    before = editor.records()
    editor.page.keyboard.press("l")
    editor.wait_for_records(
        lambda records: place(records, "prompt")[0] < place(records, "expand")[0] < place(records, "again")[0]
    )
    editor.page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: records == before)


def test_a_pinned_node_stays_when_the_rest_is_aligned(editor: Editor) -> None:
    editor.bring_in(ROW)
    pick(editor, "again")
    editor.page.keyboard.press("p")
    editor.wait_for_records(lambda records: records["layout:again"].get("pinned") is True)
    pick(editor, "prompt", "expand", "again")
    editor.page.keyboard.press("Alt+a")
    editor.wait_for_records(lambda records: place(records, "prompt")[0] == place(records, "expand")[0] == 60)
    assert place(editor.records(), "again") == (380, 250)


def test_a_frame_takes_along_what_stands_in_it_and_undo_brings_all_of_it_back(editor: Editor) -> None:
    editor.bring_in(ROW)
    pick(editor, "prompt")
    editor.page.keyboard.press("Control+j")
    title = editor.page.get_by_role("textbox", name="Title of the frame")
    expect(title).to_be_focused()
    editor.page.keyboard.type("What is said")
    editor.page.keyboard.press("Enter")
    editor.wait_for_records(lambda records: records.get("layout:frame", {}).get("title") == "What is said")
    x, y = middle(editor.page.locator(".frame .node-title"))
    editor.drag((x, y), (x, y + 90))
    editor.wait_for_records(lambda records: place(records, "prompt")[1] > 60)
    records = editor.records()
    assert place(records, "expand") == (60, 0)
    assert place(records, "frame")[1] > 0
    editor.page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: place(records, "prompt") == (700, 30))


def test_a_note_shows_its_markdown_and_nothing_that_it_brings_along_is_done(editor: Editor) -> None:
    attack = "**kept** <img src=x onerror='window.attacked=1'> [out](javascript:window.attacked=1) <script>1</script>"
    note = {"kind": "note", "x": 0, "y": 400, "width": 300, "height": 100, "text": f"{attack} [in](https://a.org)"}
    editor.bring_in({**ROW, "layout": {**ROW["layout"], "note": note}})
    shown = editor.page.locator(".note-card")
    expect(shown.locator("strong")).to_have_text("kept")
    assert shown.locator("img, script, [onerror]").count() == 0
    assert [link.get_attribute("href") for link in shown.locator("a[href]").all()] == ["https://a.org"]
    assert editor.page.evaluate("window.attacked") is None
    shown.dblclick()
    editor.page.get_by_role("textbox", name="Note, in Markdown").fill("# Mine")
    editor.page.keyboard.press("Escape")
    expect(shown.locator("h1")).to_have_text("Mine")
    editor.wait_for_records(lambda records: records["layout:note"]["text"] == "# Mine")


def test_a_bypassed_node_says_so_and_is_told_to_the_server(editor: Editor) -> None:
    editor.bring_in(ROW)
    pick(editor, "expand")
    editor.page.keyboard.press("m")
    expect(editor.node("expand").locator(".node-mode")).to_have_text("Bypassed")
    editor.wait_for_records(lambda records: records["node:expand"].get("mode") == "bypass")
    editor.page.keyboard.press("m")
    expect(editor.node("expand").locator(".node-mode")).to_have_count(0)
    editor.wait_for_records(lambda records: "mode" not in records["node:expand"])


def test_find_goes_to_a_node_by_what_is_written_in_it(editor: Editor) -> None:
    editor.bring_in({**ROW, "layout": {**ROW["layout"], "prompt": {"x": 9000, "y": 9000}}})
    editor.page.locator(".vue-flow__pane").click(position={"x": 40, "y": 40})
    editor.page.keyboard.press("Control+f")
    editor.page.keyboard.type("red ball")
    expect(editor.page.locator(".palette-row")).to_have_count(1)
    editor.page.keyboard.press("Enter")
    expect(editor.node("prompt")).to_be_in_viewport()
    expect(editor.page.locator(".node.selected")).to_have_attribute("data-node", "prompt")


def test_a_node_is_renamed_in_place_and_has_its_own_name_back_when_that_is_emptied(editor: Editor) -> None:
    editor.bring_in(ROW)
    pick(editor, "prompt")
    editor.page.keyboard.press("F2")
    field = editor.page.get_by_role("textbox", name="Name of the node")
    expect(field).to_be_focused()
    field.fill("The idea")
    field.press("Enter")
    expect(editor.node("prompt").locator(".node-title")).to_have_text("The idea")
    editor.page.keyboard.press("F2")
    field.fill("")
    field.press("Enter")
    expect(editor.node("prompt").locator(".node-title")).to_have_text("Prompt")


@pytest.mark.parametrize(
    ("keys", "field", "holds"),
    [
        ("Shift+N m u h", "Note, in Markdown", "muh"),
        ("Control+j m u h", "Title of the frame", "muh"),
        ("Control+g m u h", "Name of the node", "muh"),
        ("F2 m x Backspace u h", "Name of the node", "muh"),
        ("Tab m u h", "Add a node", "muh"),
        ("Control+f m u h", "Find in this workflow", "muh"),
        ("Control+k m u h", "What would you like to do?", "muh"),
    ],
)
def test_what_is_typed_before_the_field_is_there_lands_in_it_and_does_nothing_else(
    editor: Editor, keys: str, field: str, holds: str
) -> None:
    """All keys come in one go, before the page has drawn anything."""
    page = editor.page
    editor.bring_in(ROW)
    pick(editor, "prompt")
    before = editor.records()
    page.evaluate(
        """(chords) => {
            for (const chord of chords) {
                const parts = chord.split('+');
                const [key, ctrlKey, shiftKey] = [parts.at(-1), parts.includes('Control'), parts.includes('Shift')];
                document.activeElement.dispatchEvent(
                    new KeyboardEvent('keydown', { key, ctrlKey, shiftKey, bubbles: true, cancelable: true }));
            }
        }""",
        keys.split(),
    )
    written = page.get_by_label(field, exact=True).and_(page.locator("input, textarea"))
    expect(written).to_be_focused()
    expect(written).to_have_value(holds)
    page.keyboard.type(" ja")
    expect(written).to_have_value(f"{holds} ja")
    after = editor.records()
    kept = [key for key in before if key in after and not key.startswith("wire:")]
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
