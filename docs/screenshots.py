"""Makes the pictures of README.md and docs/editor.md from the editor itself: `python docs/screenshots.py`.

By their names it makes those alone: `python docs/screenshots.py start editor_sheet`.

It needs what the end-to-end tests need (CONTRIBUTING.md): a started server on an empty workspace, driven in Chromium.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests")]

from conftest import ARGUMENTS, CHROMIUM, Editor  # noqa: E402
from playwright.sync_api import expect, sync_playwright  # noqa: E402
from served import served  # noqa: E402

IMAGES = ROOT / "docs" / "images"
WORKFLOW = ROOT / "pipelines" / "library" / "text_to_video.loom.json"
INPAINT = WORKFLOW.with_name("inpaint.loom.json")
MINUTES = 60_000
MADE = re.compile("fresh|cached")
"""The second picture of the same film finds it stored."""
SEEDS = 4
LOADED = """() => {
  const inView = (each) => each.getBoundingClientRect().top < innerHeight;
  const [videos, images] = ["video", "img"].map((kind) => [...document.querySelectorAll(kind)].filter(inView));
  return videos.every((each) => each.readyState > 1) && images.every((each) => each.complete);
}"""
COMPARE = {
    "format": "patchloom/1",
    "nodes": {
        "ball": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}},
        "heart": {"type": "load_clip", "version": 1, "params": {"file": "heart.mp4"}},
    },
    "layout": {
        "ball": {"x": 0, "y": 0},
        "heart": {"x": 320, "y": 0},
        "frame": {
            "kind": "frame",
            "x": -24,
            "y": -48,
            "width": 648,
            "height": 720,
            "title": "Footage",
            "tint": "blue",
        },
        "note": {
            "kind": "note",
            "x": 0,
            "y": 560,
            "width": 220,
            "height": 80,
            "tint": "yellow",
            "text": "**Compare** the two: press C",
        },
    },
}


def main(wanted: list[str]) -> None:
    if unknown := set(wanted) - SHOWS.keys():
        raise SystemExit(f"there is no picture {', '.join(sorted(unknown))}; there are {', '.join(SHOWS)}")
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script("localStorage.setItem('patchloom.toured', 'yes')")
        editor = Editor(context.new_page(), server)
        editor.page.set_default_timeout(5 * MINUTES)
        for name in wanted or SHOWS:
            SHOWS[name](editor)
            picture(editor, name)
        browser.close()


def show_start(editor: Editor) -> None:
    """The gallery of shipped workflows."""
    editor.open()
    editor.page.keyboard.press("Control+Shift+O")


def show_comparison(editor: Editor) -> None:
    """Two clips under a slider."""
    editor.bring_in(COMPARE, "compare")
    page = editor.page
    page.keyboard.press("Control+Enter")
    expect(editor.node("heart")).to_have_attribute("data-status", "fresh", timeout=MINUTES)
    editor.node("ball").locator(".node-title").click()
    editor.node("heart").locator(".node-title").click(modifiers=["Control"])
    page.keyboard.press("c")
    page.get_by_role("region", name="Viewer").locator("video").first.wait_for()


def show_editor(editor: Editor) -> None:
    """A workflow that has run."""
    open_film(editor)
    run(editor)


def show_earlier_results(editor: Editor) -> None:
    """A node in the viewer, one result back."""
    open_film(editor)
    page = editor.page
    run(editor)
    write(editor, "a blue star spinning over the sea")
    run(editor)
    editor.node("decode").locator(".node-header").click()
    page.keyboard.press("v")
    page.get_by_role("region", name="Viewer").get_by_role("button", name="Earlier result").click()
    page.get_by_role("region", name="Viewer").locator("ins").first.wait_for()


def show_versions(editor: Editor) -> None:
    """What has changed since the first version: a setting, a node that went, one that came."""
    open_film(editor)
    page = editor.page
    run(editor)
    write(editor, "a blue star spinning over the sea")
    editor.node("save").locator(".node-header").click()
    page.keyboard.press("Delete")
    # By the shortcut with the pointer on bare canvas, where the note is put.
    page.mouse.move(1230, 420)
    page.keyboard.press("Shift+N")
    page.keyboard.type("Slower, and nearer to the water?")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+H")
    page.locator(".version-row").last.click()
    page.locator(".change-list").wait_for()


def show_sheet(editor: Editor) -> None:
    """The sheet of a batch of seeds."""
    open_film(editor)
    page = editor.page
    page.keyboard.press("Control+Shift+Q")
    page.get_by_role("spinbutton", name="Seeds").fill(str(SEEDS))
    page.get_by_role("button", name="Add", exact=True).click()
    page.keyboard.press("Control+H")
    page.get_by_role("button", name=f"Sheet of {SEEDS} runs").click(timeout=10 * MINUTES)
    page.locator(".sheet-grid video").nth(SEEDS - 1).wait_for()


def show_inspector(editor: Editor) -> None:
    """A canvas of which a part is given: in the inspector, and patch by patch in the viewer. Last: it stays open."""
    editor.bring_in(json.loads(INPAINT.read_text()), "inpaint")
    page = editor.page
    run(editor)
    page.keyboard.press("n")
    editor.node("arrange").locator(".node-header").click()
    page.keyboard.press("f")
    page.keyboard.press("v")
    page.get_by_role("region", name="Viewer").get_by_role("button", name="Patch by patch").click()
    page.locator(".figures-patches").wait_for()


SHOWS: dict[str, Callable[[Editor], None]] = {
    "start": show_start,
    "compare": show_comparison,
    "editor": show_editor,
    "editor_earlier": show_earlier_results,
    "editor_versions": show_versions,
    "editor_sheet": show_sheet,
    "editor_inspector": show_inspector,
}


def open_film(editor: Editor) -> None:
    """Text to video as a workflow of its own; what it made before is stored."""
    editor.bring_in(json.loads(WORKFLOW.read_text()), "first film")


def run(editor: Editor) -> None:
    editor.page.keyboard.press("Control+Enter")
    expect(editor.node("save")).to_have_attribute("data-status", MADE, timeout=10 * MINUTES)


def write(editor: Editor, text: str) -> None:
    field = editor.node("prompt").get_by_role("textbox", name="Text")
    field.fill(text)
    field.blur()
    expect(editor.node("save")).not_to_have_attribute("data-status", MADE)


def picture(editor: Editor, name: str) -> None:
    """Once everything has come to rest."""
    editor.page.wait_for_load_state("networkidle")
    editor.page.wait_for_function(LOADED)
    editor.page.wait_for_timeout(1000)
    editor.page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
