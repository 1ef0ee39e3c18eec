"""The first minute, and the workflow as a form."""

import json

import pytest
from conftest import Editor
from playwright.sync_api import expect

from app.api.library import NEEDING

pytestmark = pytest.mark.e2e


def test_a_first_visit_begins_with_the_gallery_and_a_tour_and_both_come_once(editor: Editor) -> None:
    page = editor.page
    page.add_init_script("localStorage.removeItem('patchloom.toured')")
    page.goto(editor.server.url)
    page.get_by_role("button", name="Text to image").click()
    page.wait_for_url("**/w/text_to_image")
    hint = page.get_by_role("dialog", name="Tour")
    expect(hint).to_contain_text("Say what you want to see")
    for _ in range(3):
        hint.get_by_role("button", name="Next").click()
    hint.get_by_role("button", name="Done").click()
    expect(hint).to_have_count(0)
    assert page.evaluate("localStorage.getItem('patchloom.toured')") == "yes"
    expect(page.get_by_role("dialog", name="Start")).to_have_count(0)


def test_what_has_no_picture_yet_is_shown_by_its_graph_and_the_name_of_the_model(editor: Editor) -> None:
    editor.open()
    editor.page.keyboard.press("Control+Shift+O")
    card = editor.page.get_by_role("button", name="Wan: text to video", exact=True)
    shipped = json.loads((NEEDING / "wan_text_to_video.loom.json").read_text())
    expect(card.locator(".sketch-name")).to_have_text("Wan")
    expect(card.locator(".sketch-size")).to_have_text("832 × 480 · 81 frames")
    expect(card.locator(".sketch-card")).to_have_count(len(shipped["nodes"]))
    expect(card.locator(".sketch-wire")).to_have_count(len(shipped["wires"]))
    # Every card has one or the other.
    cards = editor.page.locator(".card")
    expect(cards.locator("img, .sketch")).to_have_count(cards.count())


def test_the_app_view_is_a_form_of_what_was_chosen_and_changes_the_same_workflow(editor: Editor) -> None:
    editor.open()
    page = editor.page
    page.get_by_role("button", name="App", exact=True).click()
    form = page.get_by_role("region", name="App view")
    expect(form.get_by_role("spinbutton", name="Steps")).to_have_count(0)
    page.get_by_role("button", name="Choose what is shown").click()
    form.get_by_role("checkbox", name="Steps", exact=True).check()
    expect(form.get_by_role("spinbutton", name="Steps")).to_have_count(1)
    editor.wait_for_records(lambda records: ["sampler", "steps"] in records.get("meta:app", {}).get("widgets", []))
    form.get_by_role("textbox", name="Text").fill("a blue star")
    editor.wait_for_records(lambda records: records["node:prompt"]["params"]["text"] == "a blue star")
    assert page.url.endswith("#app")
    page.reload()
    expect(form.get_by_role("spinbutton", name="Steps")).to_have_count(1)


def test_the_app_view_calls_what_has_one_name_by_that_of_its_node(editor: Editor) -> None:
    template = {"type": "prompt_template", "version": 1, "params": {}}
    said = {"type": "prompt", "version": 1, "params": {}}
    number = {"type": "whole_number", "version": 1, "params": {"value": 17}}
    layout = {
        "a": {"x": 0, "y": 0, "title": "Story"},
        "b": {"x": 0, "y": 300},
        "t": {"x": 300, "y": 0, "title": "First"},
        "u": {"x": 300, "y": 300},
        "n": {"x": 600, "y": 0, "title": "Length"},
    }
    nodes = {"a": said, "b": said, "t": template, "u": template, "n": number}
    editor.bring_in({"format": "patchloom/1", "nodes": nodes, "layout": layout})
    editor.page.keyboard.press("Control+e")
    form = editor.page.get_by_role("region", name="App view")
    for label in ("Story", "Prompt: Text", "First: Template", "Prompt template: Template"):
        expect(form.get_by_role("textbox", name=label, exact=True)).to_have_count(1)
    expect(form.get_by_role("spinbutton", name="Length", exact=True)).to_have_text("Length17")


def test_the_app_view_is_read_at_360_pixels_without_scrolling_sideways(editor: Editor) -> None:
    editor.page.set_viewport_size({"width": 360, "height": 740})
    editor.open("/w/text_to_video#app")
    expect(editor.page.get_by_role("button", name="Run")).to_be_in_viewport()
    form = editor.page.locator(".app-view")
    expect(form).to_be_visible()
    assert form.evaluate("form => form.scrollWidth <= form.clientWidth")
    assert editor.page.locator(".topbar").evaluate("bar => bar.scrollWidth <= innerWidth")


def test_open_workflows_stand_side_by_side_and_what_is_copied_in_one_is_pasted_in_another(editor: Editor) -> None:
    editor.open("/w/text_to_video")
    page = editor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.of_type("Prompt").locator(".node-title").click()
    page.keyboard.press("Control+c")
    editor.bring_in({"format": "patchloom/1", "nodes": {}})
    tabs = page.get_by_role("navigation", name="Open workflows")
    expect(tabs.locator(".tab")).to_have_text(["text_to_video", "small"])
    page.keyboard.press("Control+v")
    expect(editor.of_type("Prompt")).to_have_count(1)
    tabs.get_by_role("button", name="text_to_video", exact=True).click()
    page.wait_for_url("**/w/text_to_video")
    tabs.get_by_role("button", name="Close small").click()
    expect(tabs.locator(".tab")).to_have_count(1)


def test_a_widget_that_was_changed_goes_back_to_its_default(editor: Editor) -> None:
    editor.open("/w/text_to_video")
    sampler = editor.node("sampler")
    sampler.get_by_role("button", name="Another seed").click()
    reset = sampler.get_by_role("button", name="Seed: back to the default")
    reset.click()
    editor.wait_for_records(lambda records: records["node:sampler"]["params"]["seed"] == 0)
    expect(reset).to_have_count(0)
