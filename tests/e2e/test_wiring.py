"""Wires: into them, along them, across them."""

from typing import Any

import pytest
from conftest import Editor, middle
from playwright.sync_api import expect
from test_arranging import ROW, pick

pytestmark = pytest.mark.e2e

LOOSE = {
    **ROW,
    "wires": [{"from": ["prompt", "text"], "to": ["again", "text"]}],
    "layout": {"prompt": {"x": 0, "y": 0}, "again": {"x": 800, "y": 0}, "expand": {"x": 380, "y": 260}},
}


def wires(records: dict[str, Any]) -> dict[str, str]:
    return {key[5:]: ".".join(record["from"]) for key, record in records.items() if key.startswith("wire:")}


def wire_middle(editor: Editor) -> tuple[float, float]:
    return middle(editor.page.locator(".wire-line").first)


def test_a_node_let_go_over_a_wire_that_it_fits_goes_into_it_and_one_undo_takes_it_out(editor: Editor) -> None:
    editor.bring_in(LOOSE)
    before = editor.records()
    x, y = wire_middle(editor)
    grip = middle(editor.node("expand").locator(".node-title"))
    editor.drag(grip, (x, y), drop=False)
    expect(editor.page.locator(".wire.takes-node")).to_have_count(1)
    editor.page.mouse.up()
    editor.wait_for_records(
        lambda records: wires(records) == {"again.text": "expand.text", "expand.text": "prompt.text"}
    )
    editor.page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: records == before)


def test_deleting_with_reconnecting_leads_the_wire_past_the_node(editor: Editor) -> None:
    editor.bring_in(ROW)
    pick(editor, "expand")
    editor.page.keyboard.press("Alt+Delete")
    editor.wait_for_records(lambda records: wires(records) == {"again.text": "prompt.text"})
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(1)


def test_a_double_click_leads_a_wire_round_and_one_on_its_point_lets_it_go_straight(editor: Editor) -> None:
    editor.bring_in(LOOSE)
    x, y = wire_middle(editor)
    editor.page.mouse.dblclick(x, y)
    point = editor.page.locator(".wire-via")
    expect(point).to_have_count(1)
    expect(editor.page.locator(".palette")).to_have_count(0)
    editor.drag((x, y), (x, y + 120))
    editor.wait_for_records(lambda records: records["wire:again.text"]["via"][0][1] > 100)
    expect(point).to_have_count(1)
    editor.page.mouse.dblclick(*middle(point))
    editor.wait_for_records(lambda records: records["wire:again.text"]["via"] == [])


def test_alt_and_a_drag_across_cut_the_wires_and_leave_the_view(editor: Editor) -> None:
    editor.bring_in(LOOSE)
    x, y = wire_middle(editor)
    stood = editor.node("prompt").bounding_box()
    editor.page.keyboard.down("Alt")
    editor.drag((x, y - 60), (x + 5, y + 60))
    editor.page.keyboard.up("Alt")
    editor.wait_for_records(lambda records: wires(records) == {})
    assert editor.node("prompt").bounding_box() == stood


def test_an_image_dropped_on_the_canvas_becomes_the_node_that_reads_it(editor: Editor) -> None:
    editor.bring_in(ROW)
    editor.page.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
          const blob = await new Promise((done) => canvas.toBlob(done));
          const data = new DataTransfer();
          data.items.add(new File([blob], "dropped.png", { type: "image/png" }));
          const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, clientX: 300, clientY: 700 });
          document.querySelector(".vue-flow__pane").dispatchEvent(drop);
        }"""
    )
    added = editor.of_type("Load image")
    expect(added).to_have_count(1)
    editor.wait_for_records(lambda records: records.get("node:load_image", {}).get("params") == {"file": "dropped.png"})


DROP = """async ([selector, name, type]) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const blob = await new Promise((done) => canvas.toBlob(done));
  const data = new DataTransfer();
  data.items.add(new File([blob], name, { type }));
  const over = document.querySelector(selector);
  const { x, y } = over.getBoundingClientRect();
  over.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, clientX: x + 20, clientY: y + 8 }));
}"""


def test_an_image_dropped_on_a_node_that_reads_images_is_read_by_it_and_so_it_is_by_a_group_that_shows_that(
    editor: Editor,
) -> None:
    load = {"type": "load_image", "version": 1, "params": {"file": "old.png"}}
    group = {"label": "Look", "widgets": {"picture": ["in", "file"]}, "nodes": {"in": load}}
    nodes = {"load": load, "say": {"type": "prompt", "version": 1, "params": {}}}
    nodes["use"] = {"type": "group:look", "version": 1, "params": {}}
    layout = {name: {"x": 320 * at, "y": 0} for at, name in enumerate(nodes)}
    editor.bring_in({"format": "patchloom/1", "nodes": nodes, "groups": {"look": group}, "layout": layout})
    editor.page.evaluate(DROP, ['.node[data-node="load"] .node-header', "one.png", "image/png"])
    editor.wait_for_records(lambda records: records["node:load"]["params"] == {"file": "one.png"})
    editor.page.evaluate(DROP, ['.node[data-node="use"] .node-header', "two.png", "image/png"])
    editor.wait_for_records(lambda records: records["node:use"]["params"] == {"picture": "two.png"})
    expect(editor.page.locator(".node")).to_have_count(3)
    # A node that reads none leaves it to one of its own.
    editor.page.evaluate(DROP, ['.node[data-node="say"] .node-header', "three.png", "image/png"])
    editor.wait_for_records(lambda records: "node:load_image" in records)


def test_what_flows_in_a_wire_is_looked_at_without_running_the_rest_and_the_wire_says_when_it_is_old(
    editor: Editor,
) -> None:
    nodes = {
        "ball": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}},
        "back": {"type": "reverse", "version": 1, "params": {}},
        "size": {"type": "clip_size", "version": 1, "params": {}},
        "trim": {"type": "trim", "version": 1, "params": {}},
    }
    wires_of = [
        ("ball.clip", "back.clip"),
        ("back.clip", "trim.clip"),
        ("ball.clip", "size.clip"),
        ("size.frames", "trim.frames"),
    ]
    made = [{"from": start.split("."), "to": end.split(".")} for start, end in wires_of]
    layout = {
        "ball": {"x": 0, "y": 0},
        "size": {"x": 360, "y": 260},
        "back": {"x": 360, "y": 0},
        "trim": {"x": 760, "y": 0},
    }
    editor.bring_in({"format": "patchloom/1", "nodes": nodes, "wires": made, "layout": layout})
    page = editor.page

    def look(wire: str) -> None:
        page.locator(f'.vue-flow__edge[data-id="wire:{wire}"] .wire-hit').click(button="right", force=True)
        page.get_by_role("menuitem", name="Look at what flows here").click()

    look("trim.clip")
    viewer = page.get_by_role("region", name="Viewer")
    expect(viewer).to_contain_text("Reverse, Clip")
    expect(viewer.locator("img, video")).to_have_count(1, timeout=180_000)
    expect(editor.node("trim")).to_have_attribute("data-status", "idle")
    page.keyboard.press("Escape")
    look("trim.frames")
    expect(viewer).to_contain_text("Size of a clip, Frames")
    expect(viewer.locator(".viewer-text")).to_have_text("17")
    page.keyboard.press("Escape")
    line = page.locator(".wire.from-stale")
    expect(line).to_have_count(0)
    editor.node("ball").get_by_role("spinbutton", name="Start").focus()
    page.keyboard.press("ArrowUp")
    expect(line).to_have_count(4)


def test_a_wire_that_a_node_in_between_would_mend_offers_that_node_and_wires_the_model_that_it_needs(
    editor: Editor,
) -> None:
    kinds = {"models": "load_models", "prompt": "prompt", "sampler": "sample"}
    editor.bring_in(
        {
            "format": "patchloom/1",
            "nodes": {name: {"type": kind, "version": 1, "params": {}} for name, kind in kinds.items()},
            "layout": {"prompt": {"x": 0, "y": 0}, "models": {"x": 0, "y": 320}, "sampler": {"x": 640, "y": 0}},
        }
    )
    start = editor.socket(editor.node("prompt"), "output", "text")
    editor.drag(start, editor.socket(editor.node("sampler"), "input", "conditioning"))
    editor.page.get_by_role("button", name="Insert Encode text").click()
    editor.wait_for_records(
        lambda records: (
            wires(records)
            == {
                "encode_text.text": "prompt.text",
                "encode_text.text_encoder": "models.text_encoder",
                "sampler.conditioning": "encode_text.conditioning",
            }
        )
    )
    editor.page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: not wires(records))


def test_a_number_that_a_setting_does_not_take_is_offered_the_nearest_that_it_does_where_it_was_written(
    editor: Editor,
) -> None:
    nodes = {
        "models": {"type": "load_models", "version": 1, "params": {}},
        "number": {"type": "number", "version": 1, "params": {"value": 18.4}},
        "half": {"type": "calculate", "version": 1, "params": {"operation": "multiply", "by": 0.5}},
        "canvas": {"type": "noise_patches", "version": 1, "params": {"frames": 15}},
    }
    wires = [{"from": ["models", name], "to": ["canvas", name]} for name in ("dit", "vae")]
    wires.append({"from": ["number", "scalar"], "to": ["half", "number"]})
    places = {"models": (0, 240), "number": (0, 0), "half": (340, 0)}
    layout: dict[str, Any] = {node: {"x": x, "y": y} for node, (x, y) in places.items()}
    layout["canvas"] = {"x": 700, "y": 0, "ports": ["width"]}
    editor.bring_in({"format": "patchloom/1", "nodes": nodes, "wires": wires, "layout": layout})
    canvas = editor.node("canvas")
    # Typed on the node itself.
    mend = canvas.get_by_role("button", name="Use 13 frames")
    expect(mend).to_be_visible()
    below = "(button) => button.getBoundingClientRect().left === button.parentElement.getBoundingClientRect().left"
    assert mend.evaluate(below), "it stands below the sentence, not within it"
    mend.click()
    editor.wait_for_records(lambda records: records["node:canvas"]["params"]["frames"] == 13)
    expect(canvas.get_by_role("alert")).to_have_count(0)
    # Reckoned: it is rounded in the wire.
    editor.drag(editor.socket(editor.node("half"), "output", "scalar"), editor.socket(canvas, "input", "width"))
    editor.page.get_by_role("button", name="Insert Calculate to round it to 16").click()
    editor.wait_for_records(lambda records: "wire:canvas.width" in records)
    made = editor.records()["wire:canvas.width"]["from"][0]
    assert editor.records()[f"node:{made}"]["params"] == {"operation": "round", "by": 16}
    expect(canvas.locator(".port-in", has_text="Width")).to_have_text("Width 16")
    # Written in a node: changed there, and the wire made with it, as one edit.
    editor.drag(editor.socket(editor.node("number"), "output", "scalar"), editor.socket(canvas, "input", "width"))
    editor.page.get_by_role("button", name="Use a width of 16").click()
    editor.wait_for_records(lambda records: records["wire:canvas.width"]["from"] == ["number", "scalar"])
    assert editor.records()["node:number"]["params"] == {"value": 16}
    editor.page.keyboard.press("Control+z")
    editor.wait_for_records(lambda records: records["node:number"]["params"] == {"value": 18.4})
    assert editor.records()["wire:canvas.width"]["from"] == [made, "scalar"]


def test_a_wire_that_sizes_alone_stand_in_the_way_of_offers_the_resize_that_fits(editor: Editor) -> None:
    clip = {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}}
    editor.bring_in(
        {
            "format": "patchloom/1",
            "nodes": {
                "ball": clip,
                "wide": {"type": "resize", "version": 1, "params": {"width": 96, "height": 48}},
                "other": clip,
                "join": {"type": "join_clips", "version": 1, "params": {"overlap": 0}},
            },
            "wires": [
                {"from": ["ball", "clip"], "to": ["wide", "clip"]},
                {"from": ["wide", "clip"], "to": ["join", "first"]},
            ],
            "layout": {
                "ball": {"x": 0, "y": 0},
                "wide": {"x": 320, "y": 0},
                "other": {"x": 0, "y": 260},
                "join": {"x": 760, "y": 0},
            },
        }
    )
    start = editor.socket(editor.node("other"), "output", "clip")
    editor.drag(start, editor.socket(editor.node("join"), "input", "second"))
    expect(editor.page.locator(".message")).to_contain_text("they need one size")
    editor.page.get_by_role("button", name="Insert Resize to 96 × 48").click()
    editor.wait_for_records(
        lambda records: (
            wires(records)
            == {
                "wide.clip": "ball.clip",
                "join.first": "wide.clip",
                "resize.clip": "other.clip",
                "join.second": "resize.clip",
            }
        )
    )
    assert editor.records()["node:resize"]["params"] == {"width": 96, "height": 48}
    expect(editor.page.locator(".note-error")).to_have_count(0)
