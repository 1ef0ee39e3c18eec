"""Groups: several nodes as one, entered, edited, used twice, taken apart, kept in the library."""

from typing import Any

import pytest
from conftest import Editor, middle
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.e2e

# Small enough to be sampled in a moment.
SMALL = {
    "format": "patchloom/1",
    "nodes": {
        "models": {"type": "load_models", "version": 1, "params": {}},
        "prompt": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "encode": {"type": "encode_text", "version": 1, "params": {}},
        "canvas": {"type": "noise_patches", "version": 1, "params": {"width": 32, "height": 32, "frames": 1}},
        "sampler": {"type": "sample", "version": 1, "params": {"steps": 2}},
        "unpatchify": {"type": "unpatchify", "version": 1, "params": {}},
        "decode": {"type": "decode_latent", "version": 1, "params": {}},
    },
    "wires": [
        {"from": source.split("."), "to": target.split(".")}
        for source, target in [
            ("models.text_encoder", "encode.text_encoder"),
            ("prompt.text", "encode.text"),
            ("models.dit", "canvas.dit"),
            ("models.vae", "canvas.vae"),
            ("models.dit", "sampler.dit"),
            ("canvas.patches", "sampler.patches"),
            ("encode.conditioning", "sampler.conditioning"),
            ("sampler.patches", "unpatchify.patches"),
            ("models.vae", "decode.vae"),
            ("unpatchify.latent", "decode.latent"),
        ]
    ],
    "layout": {
        node: {"x": x, "y": y}
        for node, x, y in [
            ("prompt", 0, 0),
            ("models", 0, 300),
            ("encode", 340, 0),
            ("canvas", 340, 300),
            ("sampler", 680, 0),
            ("unpatchify", 1020, 0),
            ("decode", 1020, 200),
        ]
    },
}
WORDS = {
    "format": "patchloom/1",
    "nodes": {
        "one": {"type": "prompt", "version": 1, "params": {"text": "first"}},
        "two": {"type": "prompt", "version": 1, "params": {"text": "second"}},
    },
    "layout": {"one": {"x": 0, "y": 0}, "two": {"x": 400, "y": 0}},
}


def pick(editor: Editor, *nodes: str) -> None:
    for number, node in enumerate(nodes):
        editor.node(node).locator(".node-title").click(modifiers=["Control"] if number else [])


def group(editor: Editor, name: str, *nodes: str) -> Locator:
    """Make a group of nodes by keyboard, and call it something."""
    pick(editor, *nodes)
    editor.page.keyboard.press("Control+g")
    field = editor.page.get_by_role("textbox", name="Name of the node")
    expect(field).to_be_focused()
    field.fill(name)
    field.press("Enter")
    made = editor.of_type(name)
    expect(made).to_have_count(1)
    return made


def graph(records: dict[str, Any]) -> dict[str, Any]:
    """What the document means, without what undo may leave otherwise."""
    return {key: record for key, record in records.items() if not key.startswith("meta:")}


def crumbs(editor: Editor) -> Locator:
    return editor.page.locator(".breadcrumbs li")


def test_a_group_is_made_run_entered_changed_left_and_dissolved_by_keyboard_and_undo_takes_all_of_it_back(
    editor: Editor,
) -> None:
    page = editor.page
    editor.bring_in(SMALL)
    before = graph(editor.records())
    page.keyboard.press("Control+Enter")
    expect(editor.node("decode")).to_have_attribute("data-status", "fresh", timeout=120_000)

    made = group(editor, "Text to patches", "prompt", "encode", "sampler")
    expect(editor.node("sampler")).to_have_count(0)
    expect(made.locator(".port-in .port-label")).to_have_text(["Text encoder", "DiT", "Patches"])
    expect(made.locator(".port-out .port-label")).to_have_text(["Patches", "Trajectory"])
    # It stands at once as its nodes did, and what was run is not run again.
    expect(made).to_have_attribute("data-status", "fresh")
    page.keyboard.press("Control+Enter")
    expect(made).to_have_attribute("data-status", "cached", timeout=60_000)
    expect(editor.node("decode")).to_have_attribute("data-status", "cached")

    made.locator(".node-title").click()
    page.keyboard.press("Enter")
    expect(crumbs(editor)).to_have_count(2)
    expect(crumbs(editor).last).to_have_text("Text to patches")
    inside = editor.node("group:prompt")
    expect(inside).to_have_attribute("data-status", "cached")
    inside.locator("textarea").fill("a blue star")
    inside.locator("textarea").blur()
    expect(editor.node("group:sampler")).to_have_attribute("data-status", "stale")
    page.locator(".vue-flow__pane").click(position={"x": 30, "y": 700})
    page.keyboard.press("Escape")
    expect(crumbs(editor)).to_have_count(0)
    expect(made).to_have_attribute("data-status", "stale")
    page.keyboard.press("Control+Enter")
    expect(editor.node("decode")).to_have_attribute("data-status", "fresh", timeout=120_000)
    expect(made).to_have_attribute("data-status", "fresh")

    made.locator(".node-title").click()
    page.keyboard.press("Control+Shift+g")
    expect(editor.node("sampler")).to_have_attribute("data-status", "fresh")
    expect(editor.node("prompt").locator("textarea")).to_have_value("a blue star")
    expect(made).to_have_count(0)
    editor.wait_for_records(lambda records: not any("group" in key for key in records))

    page.keyboard.press("Control+z")
    expect(made).to_have_count(1)
    for _ in range(3):  # the prompt, the name, the group
        page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: graph(records) == before)
    expect(editor.node("sampler")).to_have_count(1)


def test_what_is_changed_in_a_group_changes_wherever_the_group_is_used_and_each_use_keeps_its_own_widgets(
    editor: Editor,
) -> None:
    page = editor.page
    editor.bring_in(WORDS)
    made = group(editor, "Said", "one")
    page.keyboard.press("Control+d")
    expect(made).to_have_count(2)
    made.nth(1).locator("textarea").fill("mine")
    made.nth(1).locator("textarea").blur()
    editor.wait_for_records(lambda records: records["node:group_2"]["params"] == {"text": "mine"})
    made.nth(0).locator(".node-enter").click()
    editor.node("group:one").locator("textarea").fill("changed for all")
    editor.node("group:one").locator("textarea").blur()
    page.keyboard.press("Tab")
    page.keyboard.type("expand prompt")
    page.keyboard.press("Enter")
    expect(editor.of_type("Expand prompt")).to_have_count(1)
    page.get_by_role("button", name="small").last.click()
    expect(made.nth(0).locator("textarea")).to_have_value("changed for all")
    expect(made.nth(1).locator("textarea")).to_have_value("mine")
    made.nth(1).locator(".node-enter").click()
    expect(editor.of_type("Expand prompt")).to_have_count(1)


def test_a_widget_is_shown_on_the_group_and_its_port_renamed_and_the_wires_go_along(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(SMALL)
    made = group(editor, "Sampling", "encode", "sampler")
    expect(made.locator(".widget")).to_have_count(1)
    made.locator(".node-enter").click()
    editor.node("group:sampler").locator("[data-widget='group:sampler.steps']").click(button="right")
    page.get_by_role("menuitem", name="Show on the group").click()
    expect(editor.node("group:sampler").locator(".widget .port-tag")).to_have_count(2)
    editor.node("group:encode").get_by_role("button", name="Shown on the group as text; rename").click()
    page.get_by_role("textbox", name="What it is called on the group").fill("What to see")
    page.keyboard.press("Enter")
    expect(editor.node("group:encode").locator(".port-tag", has_text="What to see")).to_have_count(1)
    page.locator(".breadcrumbs button").first.click()
    expect(made.locator(".port-in .port-label", has_text="What to see")).to_have_count(1)
    expect(made.locator(".widget")).to_have_count(2)
    editor.wait_for_records(
        lambda records: (
            records.get("wire:group.What to see", {}).get("from") == ["prompt", "text"]
            and "wire:group.text" not in records
        )
    )
    expect(page.locator(".vue-flow__edge[data-id='wire:group.What to see']")).to_have_count(1)


def test_a_group_in_a_group_is_entered_step_by_step_and_left_at_once(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(SMALL)
    inner = group(editor, "Inner", "encode", "sampler")
    outer = group(editor, "Outer", "prompt", "group")
    outer.locator(".node-title").dblclick()
    expect(crumbs(editor)).to_have_text(["small", "Outer"])
    inner.locator(".node-title").dblclick()
    expect(crumbs(editor)).to_have_text(["small", "Outer", "Inner"])
    expect(editor.node("group:sampler")).to_be_in_viewport()
    # Wires are refused inside as they are outside, with the reason.
    start = editor.socket(editor.node("group:encode"), "output", "conditioning")
    editor.drag(start, editor.socket(editor.node("group:sampler"), "input", "negative"))
    editor.wait_for_records(lambda records: "wire:group:sampler.negative" in records)
    page.locator(".breadcrumbs button").first.click()
    expect(crumbs(editor)).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(editor.node("decode")).to_have_attribute("data-status", "fresh", timeout=120_000)
    expect(outer).to_have_attribute("data-status", "fresh")


def test_another_page_follows_and_is_led_out_of_a_group_that_is_taken_away(editor: Editor) -> None:
    editor.bring_in(WORDS)
    other = editor.page.context.new_page()
    other.goto(editor.page.url)
    other.locator(".node").first.wait_for()
    group(editor, "Said", "one", "two")
    theirs = other.locator(".node[data-node=group]")
    theirs.locator(".node-enter").click()
    expect(other.locator(".node")).to_have_count(2)
    pick(editor, "group")
    editor.page.keyboard.press("Enter")
    editor.node("group:one").locator("textarea").fill("seen by both")
    editor.node("group:one").locator("textarea").blur()
    expect(other.locator(".node[data-node='group:one'] textarea")).to_have_value("seen by both")
    editor.page.keyboard.press("Alt+ArrowUp")
    expect(editor.node("group")).to_have_count(1)
    pick(editor, "group")
    editor.page.keyboard.press("Control+Shift+g")
    expect(editor.node("group")).to_have_count(0)
    expect(other.locator(".breadcrumbs")).to_have_count(0)
    expect(other.locator(".node[data-node=one]")).to_have_count(1)
    other.close()


def test_inside_of_a_group_a_wire_that_sizes_stand_in_the_way_of_offers_the_resize_in_there(editor: Editor) -> None:
    group = {
        "label": "Joining",
        "inputs": {"clip": [["back", "clip"], ["large", "clip"]]},
        "nodes": {
            "back": {"type": "reverse", "version": 1, "params": {}},
            "large": {"type": "resize", "version": 1, "params": {"width": 96, "height": 48}},
            "join": {"type": "join_clips", "version": 1, "params": {}},
        },
        "wires": [{"from": ["large", "clip"], "to": ["join", "first"]}],
        "layout": {"back": {"x": 0, "y": 0}, "large": {"x": 0, "y": 260}, "join": {"x": 500, "y": 0}},
    }
    nodes = {
        "ball": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}},
        "use": {"type": "group:joining", "version": 1, "params": {}},
    }
    wires = [{"from": ["ball", "clip"], "to": ["use", "clip"]}]
    layout = {"ball": {"x": 0, "y": 0}, "use": {"x": 400, "y": 0}}
    content = {"format": "patchloom/1", "nodes": nodes, "wires": wires, "layout": layout}
    editor.bring_in({**content, "groups": {"joining": group}})
    editor.node("use").locator(".node-enter").click()
    start = editor.socket(editor.node("joining:back"), "output", "clip")
    editor.drag(start, editor.socket(editor.node("joining:join"), "input", "second"))
    editor.page.get_by_role("button", name="Insert Resize to 96 × 48").click()
    editor.wait_for_records(
        lambda records: records.get("wire:joining:join.second", {}).get("from") == ["joining:resize", "clip"]
    )
    assert editor.records()["wire:joining:resize.clip"]["from"] == ["joining:back", "clip"]
    expect(editor.page.locator(".note-error")).to_have_count(0)


def test_a_failure_inside_is_said_on_the_group_with_the_name_of_the_node(editor: Editor) -> None:
    content = {
        **SMALL,
        "nodes": {**SMALL["nodes"], "open": {"type": "load_clip", "version": 1, "params": {"file": "gone.mp4"}}},
    }
    content["layout"] = {**SMALL["layout"], "open": {"x": 0, "y": 560}}
    editor.bring_in(content)
    made = group(editor, "Footage", "open")
    expect(made.locator(".note-error")).to_contain_text("Load clip: ")
    expect(made.locator(".note-error")).to_contain_text("gone.mp4")


def test_a_group_is_kept_in_the_library_and_brought_into_another_workflow_whole(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(WORDS)
    made = group(editor, "Said", "one")
    made.locator(".node-header").click(button="right")
    page.get_by_role("menuitem", name="Save to the library…").click()
    page.get_by_role("textbox", name="Save to the library as").fill("My words")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="My words is in the node library now")).to_be_visible()
    editor.bring_in({"format": "patchloom/1", "nodes": {}}, "empty")
    page.locator(".vue-flow__pane").click(position={"x": 300, "y": 300})
    page.keyboard.press("Tab")
    page.keyboard.type("my words")
    page.keyboard.press("Enter")
    brought = editor.of_type("My words")
    expect(brought.locator("textarea")).to_have_value("first")
    editor.wait_for_records(lambda records: records.get("node:group:one", {}).get("params") == {"text": "first"})
    x, y = middle(brought.locator(".node-title"))
    page.mouse.dblclick(x, y)
    expect(crumbs(editor)).to_have_text(["empty", "My words"])


def test_find_looks_inside_of_groups_and_goes_into_that_of_the_hit(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(SMALL)
    inner = group(editor, "Inner", "encode", "sampler")
    group(editor, "Outer", "prompt", "group")
    page.keyboard.press("Control+f")
    page.keyboard.type("sampler")
    row = page.locator(".search-dialog .palette-row").first
    expect(row).to_contain_text("in Outer › Inner")
    # To look is not to go.
    expect(crumbs(editor)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(crumbs(editor)).to_have_text(["small", "Outer", "Inner"])
    expect(editor.node("group:sampler")).to_be_in_viewport()
    expect(page.locator(".vue-flow__node.selected")).to_have_count(1)
    expect(page.locator(".vue-flow__node.selected .node[data-node='group:sampler']")).to_have_count(1)
    # And out again, to what is in the workflow itself.
    page.keyboard.press("Control+f")
    page.keyboard.type("decode")
    expect(row).to_contain_text("in small")
    page.keyboard.press("Enter")
    expect(crumbs(editor)).to_have_count(0)
    expect(editor.node("decode")).to_be_in_viewport()
    expect(inner).to_have_count(0)


def test_a_page_that_is_loaded_anew_stays_inside_of_the_group_and_where_it_was_looked_at(editor: Editor) -> None:
    page = editor.page
    editor.bring_in(SMALL)
    group(editor, "Inner", "encode", "sampler")
    outer = group(editor, "Outer", "prompt", "group")
    outer.locator(".node-title").dblclick()
    editor.of_type("Inner").locator(".node-title").dblclick()
    expect(editor.node("group:sampler")).to_be_in_viewport()
    zoom = page.locator(".zoom-value").inner_text()
    page.mouse.move(700, 700)
    page.mouse.wheel(0, -240)
    expect(page.locator(".zoom-value")).not_to_have_text(zoom)
    before = middle(editor.node("group:sampler").locator(".node-title"))
    editor.settled()
    page.reload()
    expect(crumbs(editor)).to_have_text(["small", "Outer", "Inner"])
    expect(editor.node("group:sampler")).to_be_in_viewport()
    assert middle(editor.node("group:sampler").locator(".node-title")) == pytest.approx(before, abs=2)
    page.locator(".breadcrumbs button").first.click()
    expect(outer).to_be_in_viewport()
