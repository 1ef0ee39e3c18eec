"""Editing on the canvas, by mouse and keyboard, in a real browser; nothing here needs a run."""

import pytest
from conftest import Editor, middle
from playwright.sync_api import expect

pytestmark = pytest.mark.e2e

TWO = {
    "format": "patchloom/1",
    "nodes": {
        "prompt": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "expand": {"type": "expand_prompt", "version": 1, "params": {}},
    },
    "layout": {"prompt": {"x": 0, "y": 0}, "expand": {"x": 420, "y": 40}},
}


def test_a_wire_snaps_into_a_port_that_takes_it_and_undo_takes_it_out(editor: Editor) -> None:
    editor.bring_in(TWO)
    start = editor.socket(editor.node("prompt"), "output", "text")
    editor.drag(start, editor.socket(editor.node("expand"), "input", "text"))
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(1)
    wire = {"from": ["prompt", "text"], "to": ["expand", "text"]}
    editor.wait_for_records(lambda records: records.get("wire:expand.text") == wire)
    editor.page.keyboard.press("Control+z")
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(0)
    editor.page.keyboard.press("Control+Shift+z")
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(1)


def test_a_wrong_wire_says_why_while_it_hovers_and_when_it_is_dropped(editor: Editor) -> None:
    editor.bring_in(TWO)
    start = editor.socket(editor.node("prompt"), "output", "text")
    editor.drag(start, editor.socket(editor.node("expand"), "input", "expander"), drop=False)
    reason = editor.page.locator(".refusal")
    expect(reason).to_contain_text("takes a")
    said = reason.inner_text()
    editor.page.mouse.up()
    expect(editor.page.locator(".message")).to_contain_text(said)
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(0)
    assert not [key for key in editor.records() if key.startswith("wire:")]


def test_dragging_sends_nothing_before_the_drop_and_one_edit_after(editor: Editor) -> None:
    editor.bring_in(TWO)
    before = len(editor.sent)
    x, y = middle(editor.node("prompt").locator(".node-title"))
    editor.drag((x, y), (x + 60, y + 150), drop=False)
    editor.page.wait_for_timeout(100)
    assert len(editor.sent) == before
    editor.page.mouse.up()
    editor.wait_for_records(lambda records: records["layout:prompt"] != TWO["layout"]["prompt"])
    editor.settled()
    editor.page.wait_for_timeout(500)  # the browser may tell of what it sent after the server has it
    moves = [frame for frame in editor.sent[before:] if "layout:prompt" in frame]
    assert len(moves) == 1


def test_the_palette_finds_a_node_by_a_few_letters_and_adds_it_where_it_was_asked_for(editor: Editor) -> None:
    editor.open()
    count = editor.page.locator(".node").count()
    editor.page.mouse.move(700, 780)
    for opening in ("Tab", "Shift+A", "Space"):
        editor.page.keyboard.press(opening)
        editor.page.locator(".palette").wait_for()
        editor.page.keyboard.press("Escape")
        expect(editor.page.locator(".palette")).to_have_count(0)
    editor.page.keyboard.press("Tab")
    editor.page.keyboard.type("promp")
    expect(editor.page.locator(".palette-row").first).to_contain_text("Prompt")
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator(".node")).to_have_count(count + 1)
    added = editor.page.locator(".node.selected")
    box = added.bounding_box()
    assert box
    assert abs(box["x"] - 700) < 12
    editor.page.keyboard.press("Delete")
    expect(editor.page.locator(".node")).to_have_count(count)


def test_a_port_dragged_into_the_void_offers_only_what_fits_and_wires_it(editor: Editor) -> None:
    editor.bring_in({**TWO, "nodes": {"prompt": TWO["nodes"]["prompt"]}})
    x, y = editor.socket(editor.node("prompt"), "output", "text")
    editor.drag((x, y), (x + 160, y + 40))
    rows = editor.page.locator(".palette-row")
    expect(rows.filter(has_text="Expand prompt")).to_have_count(1)
    expect(rows.filter(has_text="Patchify")).to_have_count(0)
    rows.filter(has_text="Expand prompt").click()
    expect(editor.page.locator(".node")).to_have_count(2)
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(1)
    editor.page.keyboard.press("Control+z")
    expect(editor.page.locator(".node")).to_have_count(1)


def test_a_wire_pulled_off_its_port_is_gone_and_one_put_on_another_port_goes_there(editor: Editor) -> None:
    nodes = {**TWO["nodes"], "other": TWO["nodes"]["expand"]}
    layout = {**TWO["layout"], "other": {"x": 420, "y": 300}}
    wires = [{"from": ["prompt", "text"], "to": ["expand", "text"]}]
    editor.bring_in({**TWO, "nodes": nodes, "layout": layout, "wires": wires})
    x, y = editor.socket(editor.node("expand"), "input", "text")
    editor.drag((x - 12, y), editor.socket(editor.node("other"), "input", "text"))
    editor.wait_for_records(lambda records: [key for key in records if key.startswith("wire:")] == ["wire:other.text"])
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(1)
    x, y = editor.socket(editor.node("other"), "input", "text")
    editor.drag((x - 12, y), (x - 80, y + 90))
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(0)


def test_a_text_wired_to_a_text_widget_makes_a_port_of_it(editor: Editor) -> None:
    nodes = dict.fromkeys(("prompt", "second"), TWO["nodes"]["prompt"])
    editor.bring_in({**TWO, "nodes": nodes, "layout": {**TWO["layout"], "second": {"x": 420, "y": 40}}})
    start = editor.socket(editor.node("prompt"), "output", "text")
    editor.drag(start, editor.socket(editor.node("second"), "input", "text"))
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(1)
    expect(editor.node("second").get_by_role("textbox")).to_have_count(0)
    editor.page.keyboard.press("Control+z")
    expect(editor.node("second").get_by_role("textbox")).to_have_count(1)


def test_a_workflow_that_cannot_be_read_says_so_and_offers_the_others(editor: Editor) -> None:
    (editor.server.home / "workflows" / "cut.loom.json").write_text('{"format": "patchloom/1", "nodes": {')
    editor.open("/w/cut")
    expect(editor.page.locator(".canvas-empty")).to_contain_text("cut.loom.json")
    editor.page.get_by_role("button", name="Show the other workflows").click()
    expect(editor.page.locator(".rail-panel")).to_contain_text("text_to_video")
    editor.complaints.clear()


def test_copy_and_paste_keep_the_wires_among_the_copied(editor: Editor) -> None:
    editor.bring_in({**TWO, "wires": [{"from": ["prompt", "text"], "to": ["expand", "text"]}]})
    editor.page.locator(".vue-flow__pane").click(position={"x": 400, "y": 60})
    editor.page.keyboard.press("Control+a")
    editor.page.keyboard.press("Control+d")
    expect(editor.page.locator(".node")).to_have_count(4)
    expect(editor.page.locator(".vue-flow__edge")).to_have_count(2)
    copied = ["prompt_2", "text"]
    editor.wait_for_records(lambda records: records.get("wire:expand_prompt.text", {}).get("from") == copied)


def test_what_is_typed_is_kept_over_a_reload_and_undone_as_one(editor: Editor) -> None:
    editor.bring_in(TWO)
    field = editor.node("prompt").get_by_role("textbox", name="Text")
    field.fill("")
    field.press_sequentially("a blue star", delay=30)
    field.blur()
    editor.wait_for_records(lambda records: records["node:prompt"]["params"]["text"] == "a blue star")
    editor.page.reload()
    expect(editor.node("prompt").get_by_role("textbox", name="Text")).to_have_value("a blue star")
    editor.page.get_by_role("button", name="Undo").click()
    expect(editor.node("prompt").get_by_role("textbox", name="Text")).to_have_value("a red ball")


def test_two_pages_on_one_workflow_follow_each_other(editor: Editor) -> None:
    editor.bring_in(TWO)
    other = editor.page.context.new_page()
    other.goto(editor.page.url)
    other.locator(".node").first.wait_for()
    editor.node("prompt").get_by_role("textbox", name="Text").fill("a green cube")
    expect(other.locator('.node[data-node="prompt"]').get_by_role("textbox", name="Text")).to_have_value("a green cube")
    other.locator('.node[data-node="expand"] .node-title').click()
    other.keyboard.press("Delete")
    expect(editor.node("expand")).to_have_count(0)


def test_an_edit_made_while_the_server_is_out_of_reach_arrives(editor: Editor) -> None:
    editor.bring_in(TWO)
    editor.page.context.set_offline(True)
    editor.page.evaluate("window.socket.io.engine.close()")
    expect(editor.page.locator(".file-state")).to_have_text("Offline")
    editor.node("prompt").get_by_role("textbox", name="Text").fill("written on a train")
    editor.page.context.set_offline(False)
    editor.wait_for_records(lambda records: records["node:prompt"]["params"]["text"] == "written on a train")
    editor.complaints.clear()


def test_a_hostile_workflow_does_nothing(editor: Editor) -> None:
    attack = '<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>'
    hostile = {
        "format": "patchloom/1",
        "nodes": {
            "a": {"type": attack, "version": 1, "params": {"text": attack}},
            "b": {"type": "prompt", "version": 1, "params": {"text": attack}},
        },
        "layout": {"a": {"x": 0, "y": 0, "title": attack}, "b": {"x": 400, "y": 0, "title": "javascript:alert(1)"}},
        "meta": {"title": attack, "notes": attack},
    }
    editor.bring_in(hostile, "quite normal")
    expect(editor.page.locator(".node")).to_have_count(2)
    expect(editor.node("a").locator(".node-title")).to_have_text(attack)
    assert editor.page.evaluate("window.attacked") is None
    assert editor.page.locator(".node img, .node script").count() == 0


def test_light_and_dark_are_kept(editor: Editor) -> None:
    editor.open()
    assert editor.page.evaluate("document.documentElement.dataset.theme") == "dark"
    editor.page.get_by_role("button", name="Light or dark").click()
    editor.page.reload()
    editor.page.locator(".topbar").wait_for()
    assert editor.page.evaluate("document.documentElement.dataset.theme") == "light"
