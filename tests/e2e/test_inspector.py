"""The inspector: what is selected, with all that is known of it and can be set on it, beside the canvas."""

from typing import Any

import pytest
from conftest import Editor, middle
from playwright.sync_api import Locator, expect
from test_accessibility import AXE, serious
from test_arranging import ROW, pick, place
from test_run import RUN

pytestmark = pytest.mark.e2e

SMALL_OVER_LARGE = {
    "format": "patchloom/1",
    "nodes": {
        "load": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}},
        "small": {"type": "resize", "version": 1, "params": {"width": 32, "height": 32}},
        "mask": {"type": "mask_box", "version": 1, "params": {}},
        "lay": {"type": "composite", "version": 1, "params": {}},
    },
    "wires": [
        {"from": ["load", "clip"], "to": ["small", "clip"]},
        {"from": ["load", "clip"], "to": ["mask", "clip"]},
        {"from": ["load", "clip"], "to": ["lay", "under"]},
        {"from": ["small", "clip"], "to": ["lay", "over"]},
        {"from": ["mask", "mask"], "to": ["lay", "mask"]},
    ],
    "layout": {
        "load": {"x": 0, "y": 0},
        "small": {"x": 380, "y": 460},
        "mask": {"x": 380, "y": 0},
        "lay": {"x": 760, "y": 0},
    },
}
WITH_NOTES = {
    **ROW,
    "layout": {
        "prompt": {"x": 0, "y": 0},
        "expand": {"x": 340, "y": 0},
        "again": {"x": 340, "y": 260},
        "frame": {"kind": "frame", "x": -30, "y": -50, "width": 340, "height": 260, "title": "Words", "tint": "blue"},
        "note": {"kind": "note", "x": 0, "y": 300, "width": 220, "height": 90, "text": "**now**", "tint": "yellow"},
    },
}


def inspector(editor: Editor) -> Locator:
    return editor.page.get_by_role("complementary", name="Inspector")


def opened(editor: Editor, workflow: dict[str, Any], *nodes: str) -> Locator:
    editor.bring_in(workflow)
    editor.page.keyboard.press("n")
    editor.page.keyboard.press("Home")
    panel = inspector(editor)
    expect(panel).to_contain_text("Nothing is selected")
    pick(editor, *nodes)
    return panel


def go_to(panel: Locator, end: str) -> Locator:
    """The line of a port that leads there."""
    return panel.get_by_role("button", name=f"{end}; go there")


def test_the_inspector_is_closed_until_it_is_asked_for_and_stays_open_in_this_browser(editor: Editor) -> None:
    editor.bring_in(ROW)
    page, panel = editor.page, inspector(editor)
    expect(panel).to_have_count(0)
    wide = page.locator(".canvas").bounding_box()
    page.keyboard.press("n")
    expect(panel).to_contain_text("Nothing is selected")
    # Beside the canvas, not over it.
    canvas, box = page.locator(".canvas").bounding_box(), panel.bounding_box()
    assert wide
    assert canvas
    assert box
    assert canvas["x"] + canvas["width"] <= box["x"]
    page.reload()
    expect(panel).to_have_count(1)
    page.keyboard.press("n")
    expect(panel).to_have_count(0)
    assert page.locator(".canvas").bounding_box() == wide
    page.keyboard.press("Shift+?")
    expect(page.locator('[data-action="inspector"]')).to_contain_text("N")


def test_a_node_is_named_noted_on_and_set_in_the_inspector(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand")
    expect(panel).to_contain_text("Make a short prompt into a descriptive one")
    name = panel.get_by_label("Name of the node")
    name.fill("Longer")
    name.press("Enter")
    expect(editor.node("expand").get_by_role("heading")).to_have_text("Longer")
    panel.get_by_label("Note on the node").fill("ask Ana")
    panel.get_by_role("spinbutton", name="Seed").focus()
    editor.page.keyboard.press("ArrowUp")
    expect(editor.node("expand").get_by_role("spinbutton", name="Seed")).to_have_attribute("aria-valuenow", "1")
    editor.wait_for_records(
        lambda records: (
            records["layout:expand"].get("text") == "ask Ana" and records["node:expand"]["params"].get("seed") == 1
        )
    )
    panel.get_by_role("button", name="Back to the defaults").click()
    editor.wait_for_records(lambda records: not records["node:expand"]["params"])


def test_a_setting_becomes_a_port_and_a_setting_again(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand")
    panel.get_by_role("button", name="Make a port of seed").click()
    expect(panel.get_by_role("spinbutton", name="Seed")).to_have_count(0)
    editor.wait_for_records(lambda records: records["layout:expand"]["ports"] == ["seed"])
    panel.get_by_role("button", name="Make a setting of seed again").click()
    expect(panel.get_by_role("spinbutton", name="Seed")).to_have_count(1)


def test_each_port_says_what_flows_and_leads_to_the_node_at_the_other_end(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand")
    expect(
        panel.get_by_role("listitem").filter(has=editor.page.get_by_role("button", name="Text comes from Prompt"))
    ).to_contain_text("text, 3 words")
    expect(panel.get_by_role("button", name="Expander: add what gives it")).to_have_count(1)
    go_to(panel, "Text goes to Expand prompt · Text").click()
    expect(editor.page.locator(".vue-flow__node.selected .node")).to_have_attribute("data-node", "again")
    go_to(panel, "Text comes from Expand prompt").click()
    go_to(panel, "Text comes from Prompt").click()
    expect(panel.get_by_label("Name of the node")).to_have_value("Prompt")
    expect(editor.page.locator(".vue-flow__node.selected")).to_be_focused()


def test_a_fault_is_said_with_the_node_that_mends_it(editor: Editor) -> None:
    panel = opened(editor, SMALL_OVER_LARGE, "lay")
    expect(panel).to_contain_text("they need one size and length")
    panel.get_by_role("button", name="Insert Resize to 64 × 64").click()
    editor.wait_for_records(lambda records: records["wire:lay.over"]["from"] == ["resize", "clip"])
    expect(panel).not_to_contain_text("they need one size and length")


def test_what_several_nodes_share_is_set_on_all_of_them_and_they_are_put_in_line(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand", "again")
    expect(panel).to_contain_text("2 × Expand prompt")
    panel.get_by_role("spinbutton", name="Seed").focus()
    editor.page.keyboard.press("ArrowUp")
    editor.wait_for_records(
        lambda records: [records[f"node:{node}"]["params"] for node in ("expand", "again")] == [{"seed": 1}] * 2
    )
    panel.get_by_role("button", name="Align left").click()
    editor.wait_for_records(lambda records: place(records, "again")[0] == place(records, "expand")[0] == 60)


def test_a_setting_that_stands_otherwise_on_some_of_several_nodes_says_so(editor: Editor) -> None:
    nodes = {**ROW["nodes"], "again": {"type": "expand_prompt", "version": 1, "params": {"seed": 7}}}
    panel = opened(editor, {**ROW, "nodes": nodes}, "expand", "again")
    seed = panel.locator(".widget-seed")
    expect(seed).to_contain_text("differs")
    seed.get_by_role("button", name="back to the default").click()
    expect(seed).not_to_contain_text("differs")
    editor.wait_for_records(lambda records: records["node:again"]["params"] == {"seed": 0})


def test_a_wire_says_what_flows_in_it_and_is_led_round_and_cut(editor: Editor) -> None:
    panel = opened(editor, ROW)
    editor.page.locator('[data-id="wire:expand.text"] .wire-hit').dispatch_event("click")
    expect(panel.get_by_role("heading", name="Wire, text")).to_be_visible()
    expect(panel).to_contain_text("text, 3 words")
    panel.get_by_role("button", name="Lead it round").click()
    expect(editor.page.locator(".wire-via")).to_have_count(1)
    panel.get_by_role("button", name="Straighten").click()
    expect(editor.page.locator(".wire-via")).to_have_count(0)
    panel.get_by_role("button", name="Cut").click()
    editor.wait_for_records(lambda records: "wire:expand.text" not in records)
    expect(panel).to_contain_text("Nothing is selected")


def test_a_frame_and_a_note_are_written_and_coloured_in_the_inspector(editor: Editor) -> None:
    panel = opened(editor, WITH_NOTES)
    editor.page.locator('[data-frame="frame"] .node-title').click()
    panel.get_by_label("Title of the frame").fill("Texts")
    panel.get_by_label("Title of the frame").press("Enter")
    panel.get_by_role("button", name="green").click()
    editor.wait_for_records(
        lambda records: [records["layout:frame"][part] for part in ("title", "tint")] == ["Texts", "green"]
    )
    panel.get_by_role("button", name="Select what stands in it").click()
    expect(panel.get_by_label("Name of the node")).to_have_value("Prompt")
    editor.page.locator('[data-note="note"]').click()
    panel.get_by_label("Note, in Markdown").fill("later")
    panel.get_by_role("button", name="pink").click()
    expect(editor.page.locator('[data-note="note"] .markdown')).to_have_text("later")


def test_a_group_lists_what_it_shows_to_be_renamed(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand", "again")
    editor.page.keyboard.press("Control+g")
    editor.page.keyboard.press("Enter")
    panel.get_by_role("button", name="Rename seed", exact=True).click()
    editor.page.keyboard.type("first seed")
    editor.page.keyboard.press("Enter")
    expect(panel.get_by_role("spinbutton", name="first seed")).to_have_count(1)
    panel.get_by_role("button", name="Go inside").click()
    expect(editor.node("group:expand")).to_have_count(1)


def test_keys_go_into_the_inspector_and_escape_back_to_the_node(editor: Editor) -> None:
    editor.bring_in(ROW)
    page, panel = editor.page, inspector(editor)
    pick(editor, "expand")
    page.keyboard.press("Alt+n")
    expect(panel).to_be_focused()
    seed = panel.get_by_role("spinbutton", name="Seed")
    for _ in range(30):
        page.keyboard.press("Tab")
        if seed.evaluate("element => element === document.activeElement"):
            break
    expect(seed).to_be_focused()
    # Keys of the canvas are not meant here.
    page.keyboard.press("Delete")
    page.keyboard.press("m")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.id") == "expand"
    expect(panel.get_by_label("Name of the node")).to_have_value("Expand prompt")
    page.keyboard.press("m")
    editor.wait_for_records(lambda records: records["node:expand"].get("mode") == "bypass")


def test_nothing_of_the_inspector_is_drawn_anew_while_its_node_is_dragged_and_the_view_is_moved(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand")
    expect(panel).to_contain_text("text, 3 words")
    panel.evaluate(
        """panel => {
          window.drawn = [];
          const keep = ({ target }) => window.drawn.push(target.outerHTML);
          const watch = new MutationObserver((changes) => changes.forEach(keep));
          watch.observe(panel, { subtree: true, childList: true, attributes: true, characterData: true });
        }"""
    )
    x, y = middle(editor.node("expand").locator(".node-title"))
    editor.drag((x, y), (x + 120, y + 90), drop=False)
    assert editor.page.evaluate("window.drawn") == []
    editor.page.mouse.up()
    editor.wait_for_records(lambda records: place(records, "expand") != (60, 0))
    editor.page.evaluate("window.drawn.length = 0")
    zoom = editor.page.locator(".zoom-value").inner_text()
    editor.page.mouse.wheel(0, 300)
    expect(editor.page.locator(".zoom-value")).not_to_have_text(zoom)
    assert editor.page.evaluate("window.drawn") == []


def test_the_inspector_is_a_sheet_where_there_is_room_for_one_column_only(editor: Editor) -> None:
    panel = opened(editor, ROW, "expand")
    editor.page.set_viewport_size({"width": 390, "height": 780})
    editor.page.wait_for_function("document.querySelector('.inspector').getBoundingClientRect().width === 390")
    box, canvas = panel.bounding_box(), editor.page.locator(".canvas").bounding_box()
    assert box
    assert canvas
    assert box["y"] > canvas["y"] + 300
    assert canvas["width"] == 390 - 44


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_in_the_inspector(editor: Editor, theme: str) -> None:
    editor.page.add_init_script(f"localStorage.setItem('patchloom.theme', '{theme}')")
    editor.page.emulate_media(reduced_motion="reduce")
    opened(editor, WITH_NOTES)
    page, found = editor.page, {}
    page.evaluate(AXE.read_text())
    found["nothing"] = serious(page)
    pick(editor, "expand")
    found["node"] = serious(page)
    page.locator('[data-id="wire:expand.text"] .wire-hit').dispatch_event("click")
    found["wire"] = serious(page)
    page.locator('[data-frame="frame"] .node-title').click()
    found["frame"] = serious(page)
    page.locator('[data-note="note"]').click()
    found["note"] = serious(page)
    page.keyboard.press("Control+a")
    found["several"] = serious(page)
    assert not {name: problems for name, problems in found.items() if problems}


@pytest.mark.slow
def test_the_inspector_says_how_the_last_run_went_and_what_the_next_would_take(editor: Editor) -> None:
    panel = opened(editor, SMALL_OVER_LARGE, "load")
    run = panel.locator(".inspector-facts")
    expect(run).to_contain_text("Not run yet")
    expect(run).to_contain_text("never measured")
    editor.page.keyboard.press("Control+Shift+Enter")
    expect(editor.node("load")).to_have_attribute("data-status", "fresh", timeout=RUN)
    expect(run).to_contain_text("Up to date")
    expect(run.locator("dt", has_text="Time")).to_have_count(1)
    expect(run).to_contain_text("stored", timeout=RUN)
