"""Looking at results: two clips beside each other, and a sampler's way step by step."""

import re

import pytest
from conftest import Editor
from playwright.sync_api import expect
from test_arranging import pick
from test_run import RUN, finished, set_number

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TWO_CLIPS = {
    "format": "patchloom/1",
    "nodes": {
        "load": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}},
        "back": {"type": "reverse", "version": 1, "params": {}},
    },
    "wires": [{"from": ["load", "clip"], "to": ["back", "clip"]}],
    "layout": {"load": {"x": 0, "y": 0}, "back": {"x": 400, "y": 0}},
}

ENCODED = {
    "format": "patchloom/1",
    "nodes": {
        "models": {"type": "load_models", "version": 1, "params": {}},
        "prompt": {"type": "prompt", "version": 1, "params": {"text": "a red ball bouncing over the sea"}},
        "encode": {"type": "encode_text", "version": 1, "params": {}},
    },
    "wires": [
        {"from": ["models", "text_encoder"], "to": ["encode", "text_encoder"]},
        {"from": ["prompt", "text"], "to": ["encode", "text"]},
    ],
    "layout": {"models": {"x": 0, "y": 240}, "prompt": {"x": 0, "y": 0}, "encode": {"x": 320, "y": 0}},
}


def test_two_clips_are_compared_side_by_side_and_show_the_same_moment(editor: Editor) -> None:
    editor.bring_in(TWO_CLIPS)
    page = editor.page
    page.keyboard.press("Control+Enter")
    expect(editor.node("back")).to_have_attribute("data-status", "fresh", timeout=RUN)
    pick(editor, "load", "back")
    page.keyboard.press("c")
    viewer = page.get_by_role("region", name="Viewer")
    viewer.get_by_role("button", name="Side by side").click()
    first, second = (viewer.locator(f".pane-{pane} video") for pane in "ab")
    expect(second).to_be_visible(timeout=RUN)
    left, right = first.bounding_box(), second.bounding_box()
    assert left
    assert right
    assert left["x"] + left["width"] <= right["x"]
    first.evaluate("video => { video.pause(); video.currentTime = 1; }")
    page.wait_for_function(
        "() => { const video = document.querySelector('.pane-b video');"
        " return video.paused && Math.abs(video.currentTime - 1) < 0.07; }"
    )


def test_a_conditioning_shows_its_tokens_with_the_attention_that_each_has(editor: Editor) -> None:
    editor.bring_in(ENCODED)
    editor.page.keyboard.press("Control+Enter")
    tokens = editor.node("encode").get_by_role("list", name="Tokens").get_by_role("listitem")
    expect(tokens).to_have_count(7, timeout=RUN)
    expect(tokens.nth(1)).to_have_text(re.compile(r"^\s*red\s*\d+\.\d %$"))
    expect(tokens.nth(1)).to_have_attribute("title", re.compile(r"^red: \d+\.\d % of the text encoder's attention$"))
    shares = [float(said.split()[-2]) for said in tokens.all_text_contents()]
    shades = tokens.evaluate_all("all => all.map((one) => Number(one.style.getPropertyValue('--shade')))")
    assert shades.index(1) == shares.index(max(shares))
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_a_step_of_a_trajectory_is_looked_at_and_branched_from(editor: Editor) -> None:
    editor.open("/w/text_to_video")
    page, sampler = editor.page, editor.node("sampler")
    set_number(editor, sampler, "Steps", 4)
    set_number(editor, sampler, "Guidance", 3)
    page.keyboard.press("Control+Enter")
    finished(editor)
    steps = sampler.get_by_role("slider", name="Step of 4")
    expect(steps).to_have_value("4", timeout=RUN)
    picture = sampler.locator(".trajectory-view img").first
    branch = sampler.get_by_role("button", name="Branch from here")
    expect(branch).to_be_disabled()
    expect(picture).to_have_attribute("src", re.compile(r"/after/4$"), timeout=RUN)
    steps.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(picture).to_have_attribute("src", re.compile(r"/after/2$"), timeout=RUN)
    page.get_by_role("button", name="Fit all").click()
    branch.click()
    made = {"type": "branch", "version": 1, "params": {"guidance": 3, "step": 2}}
    editor.wait_for_records(lambda records: records.get("node:branch") == made)
    wires = {key: record["from"] for key, record in editor.records().items() if key.startswith("wire:branch.")}
    assert wires.pop("wire:branch.trajectory") == ["sampler", "trajectory"]
    of_sampler = {key: record["from"] for key, record in editor.records().items() if key.startswith("wire:sampler.")}
    assert wires == {f"wire:branch.{name}": of_sampler[f"wire:sampler.{name}"] for name in ("dit", "conditioning")}
    page.keyboard.press("Control+Enter")
    expect(editor.node("branch")).to_have_attribute("data-status", "fresh", timeout=RUN)
    assert sampler.get_attribute("data-status") == "cached"
    # Two steps were kept and two were made: the way has as many as before.
    expect(editor.node("branch").get_by_role("slider", name="Step of 4")).to_be_visible(timeout=RUN)


def test_the_arrow_keys_step_a_clip_by_whole_frames_of_its_own_rate_round_and_round(editor: Editor) -> None:
    editor.bring_in(TWO_CLIPS)
    page = editor.page
    page.keyboard.press("Control+Enter")
    clip = editor.node("load").locator(".clip-view")
    clip.focus()
    page.wait_for_function("document.activeElement.querySelector('video')?.duration > 0")

    def frame() -> float:
        return float(
            clip.locator("video").evaluate("(video) => video.currentTime * 8")
        )  # 8 frames a second, 17 of them

    page.keyboard.press("ArrowRight")
    at = frame()
    assert at % 1 == pytest.approx(0.5, abs=0.01)
    for number in range(1, 18):
        page.keyboard.press("ArrowRight")
        assert frame() == pytest.approx((at + number) % 17, abs=0.01)
    page.keyboard.press("ArrowLeft")
    assert frame() == pytest.approx((at - 1) % 17, abs=0.01)


def test_of_two_clips_of_different_shapes_each_is_on_its_own_side_of_the_slider_alone(editor: Editor) -> None:
    wide = {"type": "resize", "version": 1, "params": {"width": 192, "height": 48}}
    nodes = {"load": TWO_CLIPS["nodes"]["load"], "back": wide}
    editor.bring_in({**TWO_CLIPS, "nodes": nodes})
    page = editor.page
    page.keyboard.press("Control+Enter")
    expect(editor.node("back")).to_have_attribute("data-status", "fresh", timeout=RUN)
    pick(editor, "load", "back")
    page.keyboard.press("c")
    expect(page.locator(".pane-b video")).to_be_visible(timeout=RUN)
    clips = [page.locator(f".pane-{pane}").evaluate("(pane) => getComputedStyle(pane).clipPath") for pane in "ab"]
    assert clips == ["inset(0px 50% 0px 0px)", "inset(0px 0px 0px 50%)"]


def test_times_and_memory_stand_on_the_nodes_with_a_bar_for_each_that_is_longest_on_the_slowest(editor: Editor) -> None:
    editor.bring_in(TWO_CLIPS)
    page = editor.page
    page.keyboard.press("Control+Enter")
    for node in ("load", "back"):
        expect(editor.node(node)).to_have_attribute("data-status", "fresh", timeout=RUN)
    expect(page.locator(".node-share")).to_have_count(0)
    page.keyboard.press("Shift+T")
    expect(page.locator(".node-share")).to_have_count(2)
    expect(editor.node("load").locator(".node-time")).to_have_text(re.compile(r"^[\d.]+ m?s · [\d.]+ [MG]B$"))
    shares = page.locator(".node-share").evaluate_all(
        "(all) => all.map((one) => Number(one.style.getPropertyValue('--share')))"
    )
    assert max(shares) == 1
    assert min(shares) > 0
    page.reload()
    expect(page.locator(".node").first).to_be_visible()
    assert page.evaluate("localStorage.getItem('patchloom.times')") == "on"


def test_two_nodes_of_one_name_are_told_apart_in_the_viewer_by_what_differs(editor: Editor) -> None:
    heart = {"type": "load_clip", "version": 1, "params": {"file": "heart.mp4"}}
    editor.bring_in({**TWO_CLIPS, "nodes": {"load": TWO_CLIPS["nodes"]["load"], "back": heart}, "wires": []})
    page = editor.page
    page.keyboard.press("Control+Enter")
    for node in ("load", "back"):
        expect(editor.node(node)).to_have_attribute("data-status", "fresh", timeout=RUN)
    pick(editor, "load", "back")
    page.keyboard.press("c")
    expect(page.locator(".viewer-title")).to_have_text("Load clip (ball.mp4)  ·  Load clip (heart.mp4)")


def test_a_latent_is_looked_at_by_its_colours_its_components_and_each_of_its_channels(editor: Editor) -> None:
    nodes = {**TWO_CLIPS["nodes"], "models": {"type": "load_models", "version": 1, "params": {}}}
    nodes["back"] = {"type": "encode_video", "version": 2, "params": {}}
    wires = [*TWO_CLIPS["wires"], {"from": ["models", "vae"], "to": ["back", "vae"]}]
    layout = {**TWO_CLIPS["layout"], "models": {"x": 0, "y": 420}}
    editor.bring_in({**TWO_CLIPS, "nodes": nodes, "wires": wires, "layout": layout})
    page = editor.page
    page.keyboard.press("Control+Enter")
    expect(editor.node("back")).to_have_attribute("data-status", "fresh", timeout=RUN)
    pick(editor, "back")
    page.keyboard.press("v")
    viewer = page.get_by_role("region", name="Viewer")
    seen = set()
    for way, large in (("Colour", False), ("Components", False), ("Channels", True)):
        viewer.get_by_role("button", name=way).click()
        picture = viewer.locator("img")
        expect(picture).to_have_attribute(
            "src", re.compile("/as/" + way.lower()) if way != "Colour" else re.compile("view/")
        )
        shape = picture.evaluate(
            "(picture) => picture.decode().then(() => picture.naturalWidth / picture.naturalHeight)"
        )
        # The channels are a sheet of several, each with its number above it.
        assert (shape != 1) == large
        seen.add(picture.get_attribute("src"))
    assert len(seen) == 3
