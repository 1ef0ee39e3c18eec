"""What an artist does all day: spreading out, snapping, favourites, files that are dropped, nodes out of sight."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Editor, middle
from playwright.sync_api import expect
from test_arranging import ROW, pick, place

from assets.media import write_clip
from assets.values import Clip

pytestmark = pytest.mark.e2e

DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  const at = { clientX: 700, clientY: 600, bubbles: true, cancelable: true, dataTransfer };
  document.querySelector(".canvas").dispatchEvent(new DragEvent("drop", at));
}"""

STILL_SHOWS = """async (still) => {
  await still.decode();
  const { naturalWidth: width, naturalHeight: height } = still;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(still, 0, 0);
  return context.getImageData(0, 0, width, height).data.some((value, at) => at % 4 < 3 && value > 40);
}"""


def test_spreading_out_leaves_equal_room_and_the_outer_two_where_they_are(editor: Editor) -> None:
    layout = {"prompt": {"x": 0, "y": 0}, "expand": {"x": 290, "y": 0}, "again": {"x": 900, "y": 0}}
    editor.bring_in({**ROW, "layout": layout})
    pick(editor, "prompt", "expand", "again")
    editor.page.keyboard.press("Alt+Shift+H")
    # All cards are 280 wide: 340 of room on either side of the middle one.
    editor.wait_for_records(lambda records: place(records, "expand") == (450, 0))
    assert [place(editor.records(), node) for node in ("prompt", "again")] == [(0, 0), (900, 0)]


def moved(before: tuple[float, float]) -> Callable[[dict[str, Any]], bool]:
    return lambda records: place(records, "again") != before


def test_a_node_snaps_to_the_grid_only_while_that_is_chosen(editor: Editor) -> None:
    editor.bring_in(ROW)
    for snapped in (True, False):
        editor.page.keyboard.press("Shift+G")
        before = place(editor.records(), "again")
        x, y = middle(editor.node("again").locator(".node-title"))
        editor.drag((x, y), (x + 31, y + 43))
        editor.wait_for_records(moved(before))
        at = place(editor.records(), "again")
        assert (at[0] % 12 == at[1] % 12 == 0) is snapped


def test_wires_are_hidden_and_shown(editor: Editor) -> None:
    editor.bring_in(ROW)
    lines = editor.page.locator(".wire-line")
    expect(lines.first).to_be_visible()
    editor.page.keyboard.press("Shift+W")
    expect(lines.first).not_to_be_visible()
    editor.page.reload()
    expect(editor.node("prompt")).to_be_visible()
    expect(lines.first).not_to_be_visible()
    editor.page.keyboard.press("Shift+W")
    expect(lines.first).to_be_visible()


def test_a_favourite_is_on_top_of_the_palette_from_then_on(editor: Editor) -> None:
    editor.bring_in(ROW)
    page = editor.page
    page.mouse.move(700, 780)
    page.keyboard.press("Tab")
    page.keyboard.type("Box mask")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Escape")
    page.reload()
    editor.node("prompt").wait_for()
    page.mouse.move(700, 780)
    page.keyboard.press("Tab")
    expect(page.locator(".palette-row").first).to_contain_text("Box mask")
    page.locator(".palette-row").first.locator(".palette-star").click()
    expect(page.locator(".palette-row").first).not_to_contain_text("Box mask")


@pytest.mark.parametrize("ending", ["png", "mp4"])
def test_a_dropped_file_that_carries_its_workflow_offers_to_open_it(
    editor: Editor, tmp_path: Path, ending: str
) -> None:
    carried = {"format": "patchloom/1", "nodes": {"inside": {"type": "prompt", "version": 1, "params": {}}}}
    made = tmp_path / f"made.{ending}"
    frames = np.full((1 if ending == "png" else 5, 32, 32, 3), 90, np.uint8)
    write_clip(Clip(frames, 8.0), made, workflow=json.dumps(carried))
    editor.bring_in(ROW)
    editor.page.evaluate(DROP, [made.name, base64.b64encode(made.read_bytes()).decode()])
    reader = {"png": "Load image", "mp4": "Load clip"}[ending]
    expect(editor.of_type(reader)).to_have_count(1)
    editor.page.get_by_role("button", name="Open it").click()
    editor.page.wait_for_url("**/w/made")
    expect(editor.node("inside")).to_have_count(1)


def test_a_dropped_file_without_a_workflow_becomes_the_node_that_reads_it(editor: Editor, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    write_clip(Clip(np.zeros((1, 32, 32, 3), np.uint8), 8.0), plain)
    editor.bring_in(ROW)
    editor.page.evaluate(DROP, [plain.name, base64.b64encode(plain.read_bytes()).decode()])
    expect(editor.of_type("Load image")).to_have_count(1)
    editor.wait_for_records(
        lambda records: any(record.get("params") == {"file": "plain.png"} for record in records.values())
    )
    expect(editor.page.get_by_role("button", name="Open it")).to_have_count(0)


def test_of_many_nodes_only_those_near_the_view_are_in_the_page(editor: Editor) -> None:
    nodes: dict[str, Any] = {f"n{at}": {"type": "prompt", "version": 1, "params": {}} for at in range(300)}
    layout = {f"n{at}": {"x": at % 20 * 360, "y": at // 20 * 260} for at in range(300)}
    page = editor.page
    content = json.dumps({"format": "patchloom/1", "nodes": nodes, "layout": layout})
    page.request.post(f"{editor.server.url}/api/workflows", data={"name": "many", "content": content})
    page.goto(f"{editor.server.url}/w/many")
    page.locator(".overview").wait_for()
    page.keyboard.press("Control+f")
    page.keyboard.type("n150")
    page.keyboard.press("Enter")
    expect(editor.node("n150")).to_be_in_viewport()
    page.wait_for_function("document.querySelectorAll('.node').length < 60")
    assert page.locator(".node").count() >= 1
    assert page.locator('.node[data-node="n0"]').count() == 0
    # What is in the view comes, a few nodes in each frame; from far all are painted.
    expect(editor.node("n151")).to_have_count(1)
    page.keyboard.press("Home")
    expect(page.locator(".overview:not(.behind)")).to_have_count(1)
    expect(page.locator(".node")).to_have_count(0)


def test_of_many_clips_those_in_the_middle_play_and_any_other_under_the_pointer(editor: Editor) -> None:
    nodes = {f"c{at}": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}} for at in range(20)}
    layout = {f"c{at}": {"x": at % 5 * 320, "y": at // 5 * 560} for at in range(20)}
    editor.bring_in({"format": "patchloom/1", "nodes": nodes, "layout": layout})
    page = editor.page
    page.keyboard.press("Control+Enter")
    expect(page.locator(".clip-view")).to_have_count(20, timeout=120_000)
    page.keyboard.press("Home")
    expect(page.locator(".clip-view video")).to_have_count(16)
    still = page.locator(".clip-view:not(:has(video))").first
    expect(still.locator("img")).to_be_visible()
    assert still.locator("img").evaluate(STILL_SHOWS)
    place = middle(still)
    page.mouse.move(*place)
    expect(page.locator(".clip-view video")).to_have_count(17)


def test_what_was_copied_long_ago_comes_in_as_it_is_written_now(editor: Editor) -> None:
    """Flatten alpha had a gray, where it has a colour now; inside of a group, too."""
    editor.bring_in({"format": "patchloom/1", "nodes": {}})
    clip = {
        "format": "patchloom/clip",
        "workflow": "then",
        "nodes": {
            "load": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}},
            "flat": {"type": "flatten", "version": 1, "params": {"gray": 128}},
            "use": {"type": "group:look", "version": 1, "params": {"back": 255}},
        },
        "layout": {"load": {"x": 0, "y": 0}, "flat": {"x": 300, "y": 0}, "use": {"x": 600, "y": 0}},
        "wires": [{"source": "load", "output": "clip", "target": "flat", "input": "clip"}],
        "groups": {
            "group:look": {"label": "Look", "widgets": {"back": ["flat", "gray"]}},
            "node:look:flat": {"type": "flatten", "version": 1, "params": {"gray": 0}},
            "layout:look:flat": {"x": 0, "y": 0},
        },
    }
    editor.page.evaluate(
        """text => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text", text);
          document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        json.dumps(clip),
    )
    expect(editor.page.locator(".node")).to_have_count(3)
    editor.wait_for_records(lambda records: "node:look:flat" in records)
    records = editor.records()
    assert records["node:flatten"] == {"type": "flatten", "version": 2, "params": {"colour": "#808080"}}
    assert records["node:look:flat"]["params"] == {"colour": "#000000"}
    assert records["group:look"]["widgets"] == {"back": ["flat", "colour"]}
    uses = [record for key, record in records.items() if key.startswith("node:") and record["type"] == "group:look"]
    assert [use["params"] for use in uses] == [{"back": "#ffffff"}]
    assert records["wire:flatten.clip"]["from"] == ["load_clip", "clip"]
