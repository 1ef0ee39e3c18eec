"""Patches and conditionings in the viewer, one patch and one token at a time."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Editor
from playwright.sync_api import Locator, expect
from test_accessibility import AXE, serious
from test_arranging import pick
from test_looking import ENCODED
from test_run import RUN

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

INPAINT = json.loads((Path(__file__).parents[2] / "pipelines" / "library" / "inpaint.loom.json").read_text())


def shown(editor: Editor, workflow: dict[str, Any], node: str, way: str) -> Locator:
    """The viewer with what a node made, after a run up to there."""
    editor.bring_in(workflow)
    pick(editor, node)
    editor.page.keyboard.press("Control+Shift+Enter")
    expect(editor.node(node)).to_have_attribute("data-status", "fresh", timeout=RUN)
    editor.page.keyboard.press("v")
    viewer = editor.page.get_by_role("region", name="Viewer")
    viewer.get_by_role("button", name=way).click()
    return viewer


def test_patches_are_told_one_by_one_whether_they_are_given_or_to_be_made(editor: Editor) -> None:
    viewer = shown(editor, INPAINT, "arrange", "Patch by patch")
    # The box covers the two columns in the middle, in each of five latent frames.
    legend = viewer.get_by_role("list", name="What the patches are")
    expect(legend).to_contain_text("40 given")
    expect(legend).to_contain_text("40 to be made")
    expect(viewer).to_contain_text("tokens 1 to 80")
    patch = viewer.get_by_role("slider", name="Patch")
    expect(patch).to_have_attribute("aria-valuetext", "Patch 1 of 80: frame 1, row 1, column 1; given, noise level 0")
    patch.focus()
    for _ in range(17):
        editor.page.keyboard.press("ArrowRight")
    expect(viewer).to_contain_text("Patch 18 of 80: frame 2, row 1, column 2; to be made, noise level 1")
    # The first patch of the first frame, by the pointer.
    viewer.locator(".figures-patches").hover(position={"x": 8, "y": 24})
    expect(patch).to_have_attribute("aria-valuetext", "Patch 1 of 80: frame 1, row 1, column 1; given, noise level 0")
    editor.page.evaluate(AXE.read_text())
    assert not serious(editor.page)


def test_tokens_are_listed_with_their_attention_beside_the_text_that_they_were_read_from(editor: Editor) -> None:
    viewer = shown(editor, ENCODED, "encode", "Token by token")
    expect(viewer.locator(".figures-text")).to_have_text("a red ball bouncing over the sea")
    expect(viewer).to_contain_text("7 tokens of 192 numbers each, by patchloom; no padding; the empty text has 1.")
    rows = viewer.get_by_role("row")
    expect(rows).to_have_count(8)
    read = viewer.get_by_role("rowheader")
    words = read.all_inner_texts()
    assert " ".join(words) == "a red ball bouncing over the sea"
    viewer.get_by_role("button", name="Most attended first").click()
    assert read.all_inner_texts() != words
    shares = [float(said.removesuffix(" %")) for said in viewer.locator("tbody .wide").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.5)
    editor.page.evaluate(AXE.read_text())
    assert not serious(editor.page)
