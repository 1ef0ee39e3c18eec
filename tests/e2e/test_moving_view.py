"""The view moves over many nodes: the wheel, what lies over the nodes meanwhile, how much of them is shown, clips."""

import re
from itertools import pairwise
from typing import Any

import pytest
from conftest import Editor, middle
from playwright.sync_api import expect
from test_arranging import ROW

pytestmark = pytest.mark.e2e

RULES_FOR_ANY = """() => {
  const within = (sheet) => [...sheet.cssRules].flatMap((rule) =>
    [rule.selectorText ?? "", ...(rule.styleSheet || rule.cssRules ? within(rule.styleSheet ?? rule) : [])]);
  const ours = (sheet) => sheet.ownerNode?.textContent.includes(".vue-flow__");
  return [...document.styleSheets].filter((sheet) => !ours(sheet)).flatMap(within)
    .filter((selector) => /[+~]\\s*(\\*|[a-z]+)$/.test(selector));
}"""
COUNT_HOLDS = """() => {
  window.holds = 0;
  for (const video of document.querySelectorAll("video")) video.addEventListener("pause", () => (window.holds += 1));
}"""


def spread(count: int, node: dict[str, Any], columns: int) -> dict[str, Any]:
    """That many of a node, in rows."""
    layout = {f"n{at}": {"x": at % columns * 360, "y": at // columns * 320} for at in range(count)}
    return {"format": "patchloom/1", "nodes": dict.fromkeys(layout, node), "wires": [], "layout": layout}


ZOOM_IN = """() => new Promise((done) => {
  const pane = document.querySelector(".vue-flow__viewport"), box = pane.getBoundingClientRect(), frames = [];
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true };
  const turn = (now) => {
    frames.push({ now, zoom: parseInt(document.querySelector(".zoom-value").textContent),
      nodes: document.querySelectorAll(".node").length });
    if (frames.length > 40) return done(frames);
    pane.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: -30 }));
    requestAnimationFrame(turn);
  };
  requestAnimationFrame(turn);
})"""

PROMPT = {"type": "prompt", "version": 1, "params": {}}
CLIP = {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}}


def zoom(editor: Editor) -> int:
    return int(editor.page.locator(".zoom-value").inner_text().removesuffix(" %"))


def test_every_turn_of_the_wheel_zooms_a_large_graph(editor: Editor) -> None:
    editor.bring_in(spread(60, PROMPT, 10))
    page = editor.page
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    before = zoom(editor)
    page.mouse.move(*middle(page.locator(".canvas")))
    for _ in range(12):
        page.mouse.wheel(0, -60)
    # Each turn is by 2 ** 0.12, whatever lies over the nodes by then.
    page.wait_for_function(f"parseInt(document.querySelector('.zoom-value').textContent) > {2.4 * before}")


def test_a_click_on_the_bare_canvas_of_a_large_graph_leaves_its_nodes_within_reach(editor: Editor) -> None:
    editor.bring_in(spread(60, PROMPT, 10))
    page = editor.page
    page.locator(".zoom-value").click()
    node = editor.node("n24")
    box = node.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] + 40, box["y"] + 20)
    expect(page.locator(".drag-shield")).to_have_count(0)
    node.locator(".node-title").click()
    expect(page.locator(".node.selected")).to_have_count(1)


def test_a_large_graph_shows_of_each_node_what_can_be_read_once_the_view_rests(editor: Editor) -> None:
    editor.bring_in(spread(60, PROMPT, 10))
    page = editor.page
    page.keyboard.press("Home")
    expect(page.locator('.node[data-detail="ports"]')).to_have_count(60)
    expect(page.locator(".node textarea")).to_have_count(0)
    page.locator(".zoom-value").click()
    expect(page.locator('.node:not([data-detail="full"])')).to_have_count(0)
    page.wait_for_function("document.querySelectorAll('.node').length < 60")
    assert page.locator(".node textarea").count() == page.locator(".node").count()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    expect(page.locator('.node[data-detail="ports"]')).to_have_count(60)


def test_a_painted_overview_follows_what_is_selected_and_what_is_edited(editor: Editor) -> None:
    editor.bring_in(spread(130, PROMPT, 13))
    page = editor.page
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    painted = "document.querySelector('.overview').toDataURL()"
    before = page.evaluate(painted)
    page.keyboard.press("Control+a")
    page.wait_for_function(f"before => {painted} !== before", arg=before)
    selected = page.evaluate(painted)
    page.keyboard.press("Control+j")
    page.wait_for_function(f"before => !before.includes({painted})", arg=[before, selected])
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    page.wait_for_function(f"before => {painted} === before", arg=before)


def test_nothing_is_mounted_while_a_large_graph_is_zoomed_and_what_is_in_view_once_it_rests(editor: Editor) -> None:
    editor.bring_in(spread(130, PROMPT, 13))
    page = editor.page
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    frames = page.evaluate(ZOOM_IN)
    # The view rests where a frame takes too long.
    swift = [now for before, now in pairwise(frames[1:]) if now["now"] - before["now"] < 100 and now["zoom"] > 30]
    assert swift
    assert not [frame for frame in swift if frame["nodes"]]
    page.locator(".node").first.wait_for()
    expect(page.locator(".overview")).to_have_count(0)


def test_a_field_that_is_being_written_in_stays_however_far_the_view_goes(editor: Editor) -> None:
    editor.bring_in(spread(60, PROMPT, 10))
    page = editor.page
    page.locator(".zoom-value").click()
    field = editor.node("n24").locator("textarea")
    field.click()
    # In at the right and out at the left, the view goes to the right.
    for _ in range(4):
        for x, turn in ((1100, -60), (300, 60)):
            page.mouse.move(x, 500)
            for _ in range(12):
                page.mouse.wheel(0, turn)
    page.keyboard.type("far away")
    expect(editor.node("n25")).to_have_count(0)
    expect(field).to_have_value(re.compile("far away$"))


def test_clips_hold_still_while_the_view_moves_and_play_on_when_it_rests(editor: Editor) -> None:
    editor.bring_in(spread(6, CLIP, 3))
    page = editor.page
    page.keyboard.press("Control+Enter")
    expect(page.locator(".clip-view")).to_have_count(6, timeout=120_000)
    page.keyboard.press("Home")
    playing = "[...document.querySelectorAll('video')].filter((video) => !video.paused).length === 6"
    page.wait_for_function(playing)
    page.evaluate(COUNT_HOLDS)
    page.mouse.move(*middle(page.locator(".canvas")))
    page.mouse.down(button="middle")
    page.mouse.move(300, 300, steps=5)
    page.wait_for_function("window.holds === 6")
    page.mouse.up(button="middle")
    page.wait_for_function(playing)


def test_what_the_page_needs_first_is_asked_for_ahead_and_once(editor: Editor) -> None:
    editor.bring_in(spread(3, PROMPT, 3))
    asked = editor.page.evaluate(
        "performance.getEntriesByType('resource').map((each) => [each.name, each.initiatorType, each.startTime])"
    )
    for ending in ("/api/nodes", "/api/groups", "/api/workflows/small"):
        assert [by for name, by, _ in asked if name.endswith(ending)] == ["link"]
    # A module that is read ahead is not told from one that is imported, but by when.
    (bundle,) = [start for name, _, start in asked if name.endswith("/index.js")]
    (imports,) = [start for name, _, start in asked if name.endswith("/nicegui.js")]
    assert bundle < imports


def test_no_rule_of_the_page_is_for_any_element_that_comes_after_another(editor: Editor) -> None:
    """With such a rule each node that comes or goes has the style of all reckoned anew."""
    editor.open()
    editor.page.locator(".node").first.wait_for()
    assert editor.page.evaluate(RULES_FOR_ANY) == []


def test_the_canvas_can_be_had_alone_and_what_is_around_it_comes_back(editor: Editor) -> None:
    editor.bring_in(ROW)
    page, canvas = editor.page, editor.page.locator(".canvas")
    around = page.locator(".topbar, .rail, .view-controls, .minimap")
    for leave in (
        lambda: page.keyboard.press("Escape"),
        lambda: page.get_by_role("button", name="Show the rest").click(),
    ):
        page.keyboard.press("Shift+F")
        expect(around.filter(visible=True)).to_have_count(0)
        assert canvas.bounding_box() == {"x": 0, "y": 0, "width": 1440, "height": 900}
        leave()
        expect(around.filter(visible=True)).to_have_count(4)
