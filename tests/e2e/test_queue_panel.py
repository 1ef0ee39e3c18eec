"""The queue and the history in a real browser: what waits, what was, and the graph that made it."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Editor
from playwright.sync_api import expect

import pipelines

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LIBRARY = Path(pipelines.__file__).parent / "library"
RUN = 180_000
SMALL: dict[str, Any] = {
    "format": "patchloom/1",
    "nodes": {
        "world": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "write": {"type": "prompt_template", "version": 1, "params": {}},
    },
    "layout": {"world": {"x": 0, "y": 0}, "write": {"x": 320, "y": 0}},
}


def history(editor: Editor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = editor.page.request.get(f"{editor.server.url}/api/history").json()
    return found


def test_a_run_is_foreseen_stands_in_the_history_and_its_graph_opens_again(editor: Editor) -> None:
    editor.bring_in(SMALL)
    run = editor.page.get_by_role("button", name="Run")
    run.click()
    expect(run.locator(".run-forecast")).to_have_text("all stored", timeout=RUN)
    editor.page.get_by_role("button", name="History").click()
    row = editor.page.locator(".run-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("done")
    row.get_by_role("button", name="Times").click()
    expect(editor.page.locator(".run-times")).to_contain_text("world")
    editor.node("world").get_by_role("textbox", name="Text").fill("a blue star")
    editor.node("world").get_by_role("textbox", name="Text").blur()
    expect(run.locator(".run-forecast")).to_contain_text("~", timeout=RUN)
    row.get_by_role("button", name="Reopen").click()
    editor.page.wait_for_url("**/small%202")
    editor.node("world").wait_for()
    assert editor.records()["node:world"]["params"]["text"] == "a red ball"


def test_it_is_not_said_that_all_is_stored_where_a_node_with_an_error_is_yet_to_run(editor: Editor) -> None:
    lone = {"type": "encode_text", "version": 1, "params": {}}
    editor.bring_in({**SMALL, "nodes": {**SMALL["nodes"], "lone": lone}})
    run = editor.page.get_by_role("button", name="Run")
    run.click()
    expect(editor.node("write").locator(".node-status")).to_be_visible(timeout=RUN)
    editor.page.wait_for_function("(run) => run.title.includes('0 to run')", arg=run.element_handle(), timeout=RUN)
    expect(run.locator(".run-forecast")).to_have_count(0)


def test_runs_line_up_behind_each_other_and_can_be_reordered_and_cancelled(editor: Editor) -> None:
    content = json.loads((LIBRARY / "text_to_image.loom.json").read_text())
    # Long enough that the first still runs when the last is cancelled, and a single frame, which is quick to draw.
    content["nodes"]["canvas"]["params"] |= {"width": 256, "height": 256}
    content["nodes"]["sampler"]["params"] |= {"steps": 200, "sampler": "heun", "seed": 0}
    editor.bring_in(content, "many")
    editor.page.get_by_role("button", name="Queue", exact=True).click()
    editor.page.get_by_role("spinbutton", name="Seeds").fill("4")
    editor.page.get_by_role("button", name="Add", exact=True).click()
    rows = editor.page.locator(".run-row")
    expect(rows).to_have_count(4)
    expect(rows.nth(0)).to_contain_text("running", timeout=RUN)
    rows.nth(3).get_by_role("button", name="Put first").click()
    expect(rows.nth(1)).to_contain_text("seed 3")
    rows.nth(1).get_by_role("button", name="Later").click()
    expect(rows.nth(2)).to_contain_text("seed 3")
    for left in (3, 2, 1):
        rows.nth(left).get_by_role("button", name="Cancel").click()
        expect(rows).to_have_count(left)
    editor.page.keyboard.press("Control+.")
    expect(rows).to_have_count(0, timeout=RUN)
    expect(editor.page.get_by_role("button", name="Run")).to_be_visible()
    assert [run["state"] for run in history(editor)] == ["cancelled"] * 4
