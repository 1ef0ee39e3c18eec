"""The cache in a real browser: what is kept and what made it, pinned, forgotten, checked, cleared and bounded."""

import sqlite3
from typing import Any

import pytest
from conftest import Editor
from playwright.sync_api import Locator, expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RUN = 180_000
SMALL: dict[str, Any] = {
    "format": "patchloom/1",
    "nodes": {
        "world": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
        "write": {"type": "prompt_template", "version": 1, "params": {}},
    },
    "layout": {"world": {"x": 320, "y": 0, "title": "My world"}, "write": {"x": 620, "y": 0}},
}


def opened(editor: Editor) -> Locator:
    editor.bring_in(SMALL)
    editor.page.get_by_role("button", name="Cache", exact=True).click()
    return editor.page.get_by_role("complementary", name="Cache")


def filled(editor: Editor) -> Locator:
    panel = opened(editor)
    editor.page.get_by_role("button", name="Run").click()
    expect(panel.get_by_role("article")).to_have_count(2, timeout=RUN)
    return panel


def kept(editor: Editor) -> dict[str, Any]:
    found: dict[str, Any] = editor.page.request.get(f"{editor.server.url}/api/cache").json()
    return found


def test_an_empty_cache_says_what_it_is_for_and_a_run_fills_it(editor: Editor) -> None:
    panel = opened(editor)
    expect(panel).to_contain_text("Nothing is stored yet. What a node makes is kept here")
    expect(panel.get_by_role("button", name="Clear…")).to_be_disabled()
    editor.page.get_by_role("button", name="Run").click()
    mine = panel.get_by_role("article", name="My world")
    expect(mine).to_contain_text("to make", timeout=RUN)
    expect(mine).to_contain_text("small · just now")
    expect(mine.locator(".run-thumb")).to_contain_text("a red ball")
    expect(panel.get_by_role("meter", name="Disk")).to_have_attribute("aria-valuenow", str(kept(editor)["bytes"]))


def test_what_is_pinned_outlives_a_clearing_that_asks_first(editor: Editor) -> None:
    panel = filled(editor)
    pin = panel.get_by_role("article", name="My world").get_by_role("button", name="Pin")
    pin.focus()
    editor.page.keyboard.press("Enter")
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(panel).to_contain_text("2 results, 1 pinned")
    panel.get_by_role("button", name="Clear…").click()
    sure = panel.get_by_role("alertdialog", name="Clear the cache")
    expect(sure).to_contain_text("Forget 1 result?")
    expect(sure.get_by_role("button", name="Keep them")).to_be_focused()
    editor.page.keyboard.press("Escape")
    expect(sure).to_have_count(0)
    assert kept(editor)["count"] == 2
    panel.get_by_role("button", name="Clear…").click()
    sure.get_by_role("button", name="Forget").click()
    expect(panel.get_by_role("article")).to_have_count(1)
    expect(editor.page.get_by_text("1 result forgotten")).to_be_visible()
    assert [result["pinned"] for result in kept(editor)["results"]] == [True]
    panel.get_by_role("button", name="Forget").click()
    expect(panel.get_by_role("article")).to_have_count(0)
    assert kept(editor)["count"] == 0


def test_the_order_is_chosen_and_a_check_finds_what_is_damaged(editor: Editor) -> None:
    panel = filled(editor)
    by_size = sorted(kept(editor)["results"], key=lambda result: -result["bytes"])
    panel.get_by_role("combobox", name="Order").select_option("Largest")
    sizes = [f"{result['bytes']} B" for result in by_size]
    expect(panel.get_by_role("article").first).to_contain_text(sizes[0])
    expect(panel.get_by_role("article").last).to_contain_text(sizes[-1])
    panel.get_by_role("button", name="Check all").click()
    expect(editor.page.get_by_text("All that is stored is whole")).to_be_visible()
    database = sqlite3.connect(editor.server.home / "store" / "index.db")
    with database:
        database.execute("UPDATE blobs SET data = CAST(data || 'more' AS BLOB)")
    database.close()
    panel.get_by_role("button", name="Check all").click()
    expect(editor.page.get_by_text("damaged results found and deleted")).to_be_visible()


def test_budgets_are_set_in_place_and_held_at_once(editor: Editor) -> None:
    panel = filled(editor)
    disk = panel.get_by_role("textbox", name="Disk: at most")
    disk.fill("3 GB")
    disk.press("Enter")
    expect(panel.get_by_role("meter", name="Disk")).to_have_attribute("aria-valuemax", "3000000000")
    memory = panel.get_by_role("textbox", name="Memory: at most")
    memory.fill("200 MB")
    memory.press("Enter")
    expect(panel.get_by_role("meter", name="Memory")).to_have_attribute("aria-valuemax", "200000000")
    memory.fill("1 TB")
    memory.press("Escape")
    expect(memory).to_have_value("200 MB")
    disk.fill("1 B")
    disk.press("Enter")
    expect(panel.get_by_role("article")).to_have_count(0)
    assert kept(editor)["budget"] == 1


def test_a_size_that_is_none_is_refused_and_the_old_one_stays(editor: Editor) -> None:
    disk = opened(editor).get_by_role("textbox", name="Disk: at most")
    disk.fill("lots")
    disk.press("Enter")
    expect(editor.page.get_by_text("it needs a size like '20 GB'")).to_be_visible()
    expect(disk).to_have_value("20 GB")
    editor.complaints[:] = [said for said in editor.complaints if "422" not in said]
