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


def test_the_list_of_edits_goes_back_and_forth_to_any_of_them(editor: Editor) -> None:
    editor.bring_in(SMALL)
    page = editor.page
    for text in ("a blue star", "a green cube", "a white heart"):
        write(editor, text)
    page.locator(".canvas").focus()
    page.keyboard.press("Control+Shift+h")
    rows = page.locator(".edit-row")
    expect(rows).to_have_text([*["Change text of Prompt"] * 3, "Before these"])
    expect(rows.nth(0)).to_have_attribute("aria-current", "true")
    for row, text in ((2, "a blue star"), (3, "a red ball"), (0, "a white heart"), (1, "a green cube")):
        rows.nth(row).click()
        editor.wait_for_records(lambda records, text=text: records["node:world"]["params"]["text"] == text)
        expect(rows.nth(row)).to_have_attribute("aria-current", "true")
    expect(page.locator(".edit-row.taken")).to_have_count(1)


def test_a_version_is_compared_on_the_canvas_and_restored_by_an_edit_that_can_be_undone(editor: Editor) -> None:
    editor.bring_in(SMALL)
    page = editor.page
    page.keyboard.press("Control+s")
    expect(page.locator(".message")).to_contain_text("Kept as a version")
    write(editor, "a blue star")
    editor.node("write").locator(".node-header").click()
    page.keyboard.press("Delete")
    page.locator(".canvas").hover()
    page.keyboard.press("Shift+N")
    page.keyboard.type("Slower")
    page.keyboard.press("Escape")
    editor.wait_for_records(lambda records: "layout:note" in records and "node:write" not in records)
    changed = editor.records()

    page.keyboard.press("Control+Shift+h")
    page.get_by_role("button", name="As it began").click()
    expect(page.locator('[data-change="world"]')).to_have_attribute("data-kind", "changed")
    expect(page.locator('[data-change="note"]')).to_have_attribute("data-kind", "added")
    expect(page.locator('[data-ghost="write"]')).to_contain_text("Prompt template")
    # The colours of a note that is selected stand above it too.
    editor.page.locator('[data-note="note"]').click()
    word, tints = (
        page.locator('[data-change="note"] .change-word').bounding_box(),
        page.locator(".tints").bounding_box(),
    )
    assert word
    assert tints
    assert word["x"] + word["width"] <= tints["x"] or word["y"] + word["height"] <= tints["y"]
    changes = page.locator(".change-list")
    expect(changes.locator("del")).to_have_text("a red ball")
    expect(changes.locator("ins")).to_have_text("a blue star")
    expect(changes.get_by_role("listitem")).to_have_count(3)

    page.get_by_role("button", name="Restore").click()
    editor.wait_for_records(lambda records: "node:write" in records)
    assert text_of(editor) == "a red ball"
    expect(page.locator(".changes")).to_have_count(0)
    page.locator(".canvas").focus()
    page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: records == changed)
    # What was there before it was restored is a version too, told in words.
    expect(page.locator(".version")).to_have_count(2)
    expect(page.locator(".version").first).to_contain_text("Prompt template removed, text of Prompt changed")


def test_a_version_is_named_and_one_is_kept_when_the_workflow_runs(editor: Editor) -> None:
    editor.bring_in(SMALL)
    page = editor.page
    page.keyboard.press("Control+Shift+h")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".version")).to_have_count(1, timeout=RUN)
    page.get_by_role("button", name="Keep this version…").click()
    page.get_by_role("textbox", name="Keep this version as").fill("for the client")
    page.keyboard.press("Enter")
    expect(page.locator(".version-name")).to_have_text("for the client")
    expect(page.locator(".version")).to_have_count(1)


def test_earlier_results_of_a_node_are_stepped_through_and_their_settings_used_again(editor: Editor) -> None:
    editor.bring_in(SMALL)
    page, world = editor.page, editor.node("world")
    subject = editor.node("write").get_by_role("textbox", name="Subject")
    for text in ("a red ball", "a blue star", "a green cube"):
        write(editor, text)
        subject.fill(text.removeprefix("a "))
        subject.blur()
        editor.settled()
        page.keyboard.press("Control+Enter")
        expect(editor.node("world")).to_have_attribute("data-status", "fresh", timeout=RUN)
    world.locator(".node-header").click()
    page.keyboard.press("v")
    viewer = page.get_by_role("region", name="Viewer")
    expect(viewer).to_contain_text("a green cube")
    back = viewer.get_by_role("button", name="Earlier result")
    back.click()
    expect(viewer.locator(".viewer-text")).to_have_text("a blue star")
    expect(viewer).to_contain_text("1 of 2 earlier")
    back.click()
    expect(viewer.locator(".viewer-text")).to_have_text("a red ball")
    expect(back).to_be_disabled()
    expect(viewer.locator("ins")).to_have_text("a red ball")
    viewer.get_by_role("button", name="Use these settings").click()
    editor.wait_for_records(lambda records: records["node:world"]["params"]["text"] == "a red ball")
    expect(viewer).to_contain_text("Made with the settings that are set now")
    page.locator(".canvas .vue-flow").focus()
    page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: records["node:world"]["params"]["text"] == "a green cube")
    viewer.get_by_role("button", name="Back to the present result").click()
    expect(viewer.locator(".viewer-text")).to_have_text("a green cube")

    # The preview on the canvas steps back too.
    page.keyboard.press("Escape")
    preview = editor.node("write").locator(".node-preview")
    expect(preview).to_contain_text("green cube")
    preview.hover()
    preview.get_by_role("button", name="Earlier result").click()
    expect(preview.locator(".text-view")).to_contain_text("blue star")
    expect(preview.get_by_role("button", name="Use these settings")).to_be_visible()
