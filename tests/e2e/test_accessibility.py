"""What axe-core finds on each state of the page: nothing serious, dark or light; and what the keyboard reaches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Editor
from playwright.sync_api import Page, expect
from test_arranging import ROW, pick
from test_looking import ENCODED, TWO_CLIPS
from test_run import RUN

pytestmark = pytest.mark.e2e

AXE = Path(__file__).parents[2] / "app" / "editor" / "web" / "node_modules" / "axe-core" / "axe.min.js"
STATES: dict[str, Callable[[Page], Any]] = {
    "graph": lambda page: None,
    "keys": lambda page: page.keyboard.press("Shift+?"),
    "commands": lambda page: page.keyboard.press("Control+k"),
    "palette": lambda page: page.keyboard.press("Tab"),
    "library": lambda page: page.keyboard.press("Control+l"),
    "app": lambda page: page.keyboard.press("Control+e"),
    "start": lambda page: page.keyboard.press("Control+Shift+O"),
}


WITH_RESULTS = {
    "format": "patchloom/1",
    "nodes": {
        **ENCODED["nodes"],
        **TWO_CLIPS["nodes"],
        "long": {"type": "sample_windows", "version": 2, "params": {"guidance_over_steps": "0:1 1:0"}},
        "flat": {"type": "flatten", "version": 2, "params": {}},
        "gone": {"type": "from_the_future", "version": 1, "params": {}},
    },
    "wires": [*ENCODED["wires"], *TWO_CLIPS["wires"]],
    "layout": {
        **ENCODED["layout"],
        "load": {"x": 640, "y": 0},
        "back": {"x": 960, "y": 0},
        "long": {"x": 320, "y": 320},
        "flat": {"x": 960, "y": 420},
        "gone": {"x": 1280, "y": 0},
        "note": {
            "kind": "note",
            "x": 0,
            "y": 520,
            "width": 220,
            "height": 90,
            "text": "**Compare** [two](https://a.org)",
        },
        "frame": {"kind": "frame", "x": 620, "y": -60, "width": 640, "height": 440, "title": "Clips", "tint": "blue"},
    },
}


def serious(page: Page) -> list[str]:
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {each['help']} ({', '.join(str(node['target'][-1]) for node in each['nodes'][:3])})"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_in_any_state_of_the_page(editor: Editor, theme: str) -> None:
    editor.page.add_init_script(f"localStorage.setItem('patchloom.theme', '{theme}')")
    editor.page.emulate_media(reduced_motion="reduce")
    editor.bring_in(ROW)
    pick(editor, "prompt")
    editor.page.keyboard.press("m")
    editor.page.evaluate(AXE.read_text())
    found = {}
    for name, show in STATES.items():
        show(editor.page)
        editor.page.wait_for_timeout(100)
        found[name] = serious(editor.page)
        editor.page.keyboard.press("Escape")
        if name in ("app", "library"):
            show(editor.page)
    assert not {name: problems for name, problems in found.items() if problems}


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_where_there_are_results_and_problems(editor: Editor, theme: str) -> None:
    editor.page.add_init_script(f"localStorage.setItem('patchloom.theme', '{theme}')")
    editor.page.emulate_media(reduced_motion="reduce")
    editor.bring_in(WITH_RESULTS)
    page = editor.page
    pick(editor, "encode", "back")
    page.keyboard.press("Control+Shift+Enter")
    # Both of them, though the one that has the focus could take the Enter for itself.
    for node in ("encode", "back"):
        expect(editor.node(node)).to_have_attribute("data-status", "fresh", timeout=RUN)
    expect(editor.node("encode").locator(".token-list li")).to_have_count(7, timeout=RUN)
    page.evaluate(AXE.read_text())
    found = {"results": serious(page)}
    for name, keys in {"viewer": "c", "history": "Control+h", "queue": "Control+Shift+q", "versions": "Control+Shift+h",
                       "models": "Control+Shift+m", "workflows": "Control+o", "find": "Control+f"}.items():  # fmt: skip
        page.keyboard.press(keys)
        page.wait_for_timeout(300)
        found[name] = serious(page)
        page.keyboard.press("Escape")
        if name != "find" and page.locator(".rail-panel").count():
            page.keyboard.press(keys)
    for name, button in {"file": "File: ball.mp4", "writing": "Write the text with more room"}.items():
        page.get_by_role("button", name=button).first.dispatch_event("click")
        page.wait_for_timeout(300)
        assert page.get_by_role("dialog").count() == 1
        found[name] = serious(page)
        page.keyboard.press("Escape")
    page.keyboard.press("Control+e")
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 740})
        page.wait_for_timeout(100)
        found[f"app at {width}"] = serious(page)
    assert not {name: problems for name, problems in found.items() if problems}


def test_keys_are_taken_from_another_action_only_when_that_is_said_and_wanted(editor: Editor) -> None:
    editor.bring_in(ROW)
    page = editor.page
    page.keyboard.press("Shift+?")
    row = page.locator('[data-action="tidy"]')
    row.get_by_role("button", name="Other keys").click()
    page.keyboard.press("Control+d")
    expect(row.get_by_role("alert")).to_contain_text("Ctrl+D is for Duplicate")
    page.keyboard.press("Escape")
    expect(page.locator('[data-action="duplicate"]')).to_contain_text("Ctrl+D")
    row.get_by_role("button", name="Other keys").click()
    page.keyboard.press("Control+d")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Ctrl+D")
    expect(page.locator('[data-action="duplicate"]')).not_to_contain_text("Ctrl+D")
    page.reload()
    page.locator(".node").first.wait_for()
    page.keyboard.press("Control+d")
    expect(page.get_by_role("button", name="Undo")).to_have_attribute("title", "Undo tidy  Ctrl+Z")
    expect(page.locator(".node")).to_have_count(3)


def test_every_action_is_found_and_done_by_the_keyboard_alone(editor: Editor) -> None:
    editor.bring_in(ROW)
    editor.page.keyboard.press("Control+k")
    editor.page.keyboard.type("select all")
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator(".node.selected")).to_have_count(3)
    editor.page.keyboard.press("Control+k")
    editor.page.keyboard.type("align left")
    editor.page.keyboard.press("Enter")
    editor.wait_for_records(lambda records: len({records[f"layout:{node}"]["x"] for node in ROW["nodes"]}) == 1)


def test_wires_say_what_they_join_and_the_menu_is_used_by_arrow_keys(editor: Editor) -> None:
    editor.bring_in(ROW)
    page = editor.page
    expect(page.get_by_label("Wire from Prompt, Text to Expand prompt, Text", exact=True)).to_have_count(1)
    editor.node("prompt").locator(".node-header").click(button="right")
    items = page.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(items.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(items).to_have_count(0)
    expect(page.locator(".node.selected")).to_have_count(1)


def test_a_finger_that_stays_down_opens_the_menu_and_one_that_moves_does_not(editor: Editor) -> None:
    editor.bring_in(ROW)
    press = """(card, moves) => {
      const { x, y } = card.getBoundingClientRect();
      const finger = { pointerType: "touch", isPrimary: true, bubbles: true, clientY: y + 12 };
      const at = (dx) => ({ ...finger, clientX: x + 20 + dx });
      card.dispatchEvent(new PointerEvent("pointerdown", at(0)));
      if (moves) card.dispatchEvent(new PointerEvent("pointermove", at(40)));
    }"""
    menu = editor.page.get_by_role("menu")
    editor.node("prompt").evaluate(press, True)
    editor.node("expand").evaluate(press, False)
    expect(menu).to_have_count(1)
    expect(editor.page.locator(".vue-flow__node.selected .node")).to_have_attribute("data-node", "expand")


FOCUSED = "document.activeElement.closest('.vue-flow__node')?.dataset.id"


def grid(count: int) -> dict[str, Any]:
    """So many nodes, ten in a row; the last gives to the first."""
    nodes: dict[str, Any] = {f"n{at}": {"type": "prompt", "version": 1, "params": {}} for at in range(count - 1)}
    nodes["n0"] = {"type": "expand_prompt", "version": 2, "params": {}}
    nodes["last"] = {"type": "prompt", "version": 1, "params": {}}
    layout = {name: {"x": 400 * (at % 10), "y": 400 * (at // 10)} for at, name in enumerate(nodes)}
    wires = [{"from": ["last", "text"], "to": ["n0", "text"]}]
    return {"format": "patchloom/1", "nodes": nodes, "wires": wires, "layout": layout}


def test_keys_reach_every_node_of_a_graph_of_which_only_some_are_on_the_page(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(grid(60))
    page.keyboard.press("Control+0")
    expect(editor.node("last")).to_have_count(0)
    seen = []
    for _ in range(60):
        page.keyboard.press("Alt+ArrowRight")
        page.wait_for_function(f"(before) => ({FOCUSED} ?? before) !== before", arg=seen[-1] if seen else "")
        seen.append(page.evaluate(FOCUSED))
    # Each after what it takes from, else as they are read.
    assert seen == [*(f"n{at}" for at in range(1, 59)), "last", "n0"]
    box = editor.node("n0").bounding_box()
    assert box
    assert 0 <= box["x"] <= 1440
    assert 0 <= box["y"] <= 900
    page.keyboard.press("Alt+ArrowLeft")
    page.wait_for_function(f"{FOCUSED} === 'last'")
    expect(page.locator(".vue-flow__node.selected")).to_have_attribute("data-id", "last")


def test_keys_that_come_while_the_view_is_on_its_way_go_on_from_where_it_will_be(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(grid(60))
    expect(editor.node("n1")).to_be_visible()
    # All of it is in view, and n1 is not any more once the middle is seen at its size.
    press(page, "Control+0", "Alt+ArrowRight")
    expect(page.locator(".zoom-value")).to_have_text("100 %")
    page.wait_for_function(f"{FOCUSED} === 'n1'")
    expect(editor.node("n1")).to_be_in_viewport()
    press(page, "Control+=", "Control+=", "Alt+ArrowRight")
    expect(page.locator(".zoom-value")).to_have_text("144 %")
    page.wait_for_function(f"{FOCUSED} === 'n2'")
    expect(editor.node("n2")).to_be_in_viewport()


def test_a_node_keeps_the_focus_however_far_the_view_is_moved(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(grid(60))
    press(page, "Control+0", "Alt+ArrowRight")
    page.wait_for_function(f"{FOCUSED} === 'n1'")
    # Away by the wheel alone: nearer here, farther there.
    for _ in range(3):
        page.mouse.move(1000, 250)
        page.mouse.wheel(0, -2000)
        expect(page.locator(".zoom-value")).to_have_text("250 %")
        page.mouse.move(300, 750)
        page.mouse.wheel(0, 600)
        expect(page.locator(".zoom-value")).not_to_have_text("250 %")
    expect(editor.node("n0")).to_have_count(0)
    expect(editor.node("n1")).not_to_be_in_viewport()
    assert page.evaluate(FOCUSED) == "n1"


def press(page: Page, *keys: str) -> None:
    """Press keys so fast that no frame comes between them."""
    strokes = [
        {"key": each.split("+")[-1], "ctrlKey": "Control+" in each, "altKey": "Alt+" in each, "bubbles": True}
        for each in keys
    ]
    page.evaluate(
        "strokes => strokes.forEach(each => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', each)))",
        strokes,
    )


def test_a_node_that_is_only_painted_comes_near_when_the_keys_go_to_it(editor: Editor) -> None:
    editor.bring_in(grid(150))
    expect(editor.page.locator(".canvas.painted")).to_have_count(1)
    editor.page.keyboard.press("Alt+ArrowRight")
    editor.page.wait_for_function(f"{FOCUSED} === 'n1'")
    expect(editor.node("n1").get_by_role("textbox")).to_be_visible()


def test_tab_goes_through_the_nodes_and_what_is_in_them_and_out_but_is_the_palettes_where_one_was_clicked(
    editor: Editor,
) -> None:
    page = editor.page
    editor.bring_in(grid(3))
    page.keyboard.press("Alt+ArrowRight")
    page.wait_for_function(f"{FOCUSED} === 'n1'")
    page.keyboard.press("Tab")
    expect(editor.node("n1").get_by_role("textbox")).to_be_focused()
    while page.evaluate(FOCUSED) == "n1":
        page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.dataset.id === 'last'")
    page.keyboard.press("Shift+Tab")
    page.wait_for_function("document.activeElement.dataset.id === 'n1'")
    while page.evaluate(FOCUSED) == "n1":
        page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.dataset.id === 'last'")
    while page.evaluate(FOCUSED) == "last":
        page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.dataset.id === 'n0'")
    while page.evaluate(FOCUSED) == "n0":
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Zoom out")).to_be_focused()
    expect(page.locator(".palette")).to_have_count(0)
    editor.node("n1").locator(".node-title").click()
    page.keyboard.press("h")
    page.keyboard.press("Tab")
    expect(page.locator(".palette")).to_have_count(1)


def test_who_does_not_see_the_wires_hears_them_in_the_list_of_all_nodes(editor: Editor) -> None:
    editor.bring_in(grid(60))
    editor.page.keyboard.press("Control+f")
    listed = editor.page.get_by_role("listbox", name="Find in this workflow").get_by_role("option")
    expect(listed).to_have_count(60)
    expect(listed.filter(has_text="takes from Prompt")).to_have_count(1)
    expect(listed.filter(has_text="gives to Expand prompt")).to_have_count(1)


def test_escape_leaves_a_setting_for_its_node_where_all_keys_are_actions_again(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(grid(3))
    editor.node("n0").get_by_role("spinbutton", name="Seed").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_have_count(0)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.id") == "n0"
    page.keyboard.press("Shift+?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_have_count(1)
