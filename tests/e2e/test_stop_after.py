"""A sampler that stops early and goes on, as an artist does it: only the steps that are new are taken."""

import json
from pathlib import Path

import pytest
from conftest import Editor
from playwright.sync_api import expect

import pipelines

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LIBRARY = Path(pipelines.__file__).parent / "library"
RUN = 180_000


def test_raising_where_a_sampler_stops_reuses_its_steps_and_the_node_says_so(editor: Editor) -> None:
    content = json.loads((LIBRARY / "text_to_image.loom.json").read_text())
    content["nodes"]["canvas"]["params"] |= {"width": 32, "height": 32}
    content["nodes"]["sampler"]["params"] |= {"steps": 6, "stop": 2}
    editor.bring_in(content, "sketch")
    sampler = editor.node("sampler")
    editor.page.keyboard.press("Control+Enter")
    expect(sampler).to_have_attribute("data-status", "fresh", timeout=RUN)
    expect(sampler.get_by_text("2 of 6 steps over")).to_be_visible()
    expect(sampler.get_by_text("steps reused")).to_have_count(0)
    stop = sampler.get_by_role("spinbutton", name="Stop")
    stop.focus()
    for _ in range(3):
        editor.page.keyboard.press("ArrowRight")
    editor.wait_for_records(lambda records: records["node:sampler"]["params"]["stop"] == 5)
    editor.page.keyboard.press("Control+Enter")
    expect(sampler.get_by_text("2 of 5 steps reused")).to_be_visible(timeout=RUN)
