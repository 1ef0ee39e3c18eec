"""From a prompt to a video that plays, in a real browser, with the shipped workflow and weights."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Editor
from playwright.sync_api import Locator, expect
from served import Served, served

import pipelines

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WORKFLOW = Path(pipelines.__file__).parent / "library" / "text_to_video.loom.json"
RUN = 180_000
DIFFERENT_FRAMES = """
async (video) => {
  const picture = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 32, 32);
    return context.getImageData(0, 0, 32, 32).data;
  };
  const nextFrame = () => new Promise((done) => video.requestVideoFrameCallback(done));
  await nextFrame();
  const first = picture();
  for (let frame = 0; frame < 40; frame++) {
    await nextFrame();
    const now = picture();
    if (now.reduce((sum, value, at) => sum + Math.abs(value - first[at]), 0) > 500) return true;
  }
  return false;
}
"""
# Notes down what the sampler shows while it runs, which may be for less than a glance.
WATCH_SAMPLER = """
() => {
  window.seen = { pictures: [], steps: [] };
  const note = (list, text) => text && !list.includes(text) && list.push(text);
  const sampler = document.querySelector(".node[data-node=sampler]");
  new MutationObserver(() => {
    note(window.seen.pictures, sampler.querySelector(".view.live img")?.getAttribute("src"));
    note(window.seen.steps, sampler.querySelector(".node-steps")?.textContent);
  }).observe(sampler, { subtree: true, childList: true, attributes: true, characterData: true });
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for these tests, so that its worker stays warm; each test runs a seed of its own."""
    with served(tmp_path_factory.mktemp("home")) as started:
        yield started


def set_number(editor: Editor, node: Locator, label: str, value: int) -> None:
    field = node.get_by_role("spinbutton", name=label)
    field.click()
    entry = node.get_by_role("textbox", name=label)
    entry.fill(str(value))
    entry.press("Enter")
    expect(node.get_by_role("spinbutton", name=label)).to_have_attribute("aria-valuenow", str(value))


def opened(editor: Editor, seed: int, steps: int = 3) -> tuple[Locator, Locator]:
    """The shipped workflow with a seed that no other test has run, and a file that none has written.

    Returns its sampler and its saving node.
    """
    editor.open("/w/text_to_video")
    sampler, save = editor.node("sampler"), editor.node("save")
    set_number(editor, sampler, "Seed", seed)
    set_number(editor, sampler, "Steps", steps)
    file = save.get_by_role("textbox", name="File")
    file.fill(f"seed_{seed}.mp4")
    file.blur()
    return sampler, save


def finished(editor: Editor) -> None:
    expect(editor.page.get_by_role("button", name="Run")).to_be_visible(timeout=RUN)


def statuses(editor: Editor) -> dict[str, str]:
    nodes = editor.page.locator(".node").all()
    return {str(node.get_attribute("data-node")): str(node.get_attribute("data-status")) for node in nodes}


def worker_of(server: Served) -> int:
    """The process id of the worker."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"PPid:\t{server.process.pid}\n" in status and b"worker" in command:
            return int(folder.name)
    raise AssertionError("the server has no worker")


def test_a_prompt_becomes_a_video_that_plays_and_takes_shape_on_the_way(editor: Editor) -> None:
    _, save = opened(editor, seed=11, steps=60)
    editor.page.evaluate(WATCH_SAMPLER)
    prompt = editor.node("prompt").get_by_role("textbox", name="Text")
    prompt.fill("a blue star moving to the right over a green meadow")
    prompt.press("Control+Enter")
    editor.page.wait_for_function("window.seen.pictures.length > 1", timeout=RUN)
    finished(editor)
    assert any("/60" in steps for steps in editor.page.evaluate("window.seen.steps"))
    video = save.locator("video")
    expect(video).to_be_visible(timeout=RUN)
    assert video.evaluate("video => [video.loop, video.muted, video.playsInline]") == [True, True, True]
    assert video.evaluate(DIFFERENT_FRAMES)
    text = editor.records()["node:prompt"]["params"]["text"]
    assert text == "a blue star moving to the right over a green meadow"


def test_running_again_runs_nothing_and_another_file_name_runs_the_saving_node_only(editor: Editor) -> None:
    opened(editor, seed=12)
    editor.page.keyboard.press("Control+Enter")
    finished(editor)
    editor.page.keyboard.press("Control+Enter")
    expect(editor.node("save")).to_have_attribute("data-status", "cached", timeout=RUN)
    finished(editor)
    assert set(statuses(editor).values()) == {"cached"}
    name = editor.node("save").get_by_role("textbox", name="File")
    name.fill("another.mp4")
    expect(editor.node("save")).to_have_attribute("data-status", "stale")
    name.press("Control+Enter")
    expect(editor.node("save")).to_have_attribute("data-status", "fresh", timeout=RUN)
    finished(editor)
    assert {node for node, status in statuses(editor).items() if status == "fresh"} == {"save"}
    assert (editor.server.home / "outputs" / "another.mp4").is_file()


def test_a_change_and_its_undo_make_results_stale_and_fresh_again(editor: Editor) -> None:
    sampler, _ = opened(editor, seed=13)
    editor.page.keyboard.press("Control+Enter")
    finished(editor)
    set_number(editor, sampler, "Seed", 1300)
    expect(editor.node("save")).to_have_attribute("data-status", "stale")
    expect(editor.node("prompt")).not_to_have_attribute("data-status", "stale")
    editor.page.get_by_role("button", name="Undo").click()
    expect(editor.node("save")).not_to_have_attribute("data-status", "stale")


def test_cancel_takes_effect_and_the_page_is_ready_again(editor: Editor) -> None:
    sampler, _ = opened(editor, seed=14, steps=200)
    editor.page.keyboard.press("Control+Enter")
    expect(sampler.locator(".node-time")).to_contain_text(" left", timeout=RUN)
    expect(sampler.locator(".node-steps")).to_be_visible(timeout=RUN)
    editor.page.keyboard.press("Control+.")
    finished(editor)
    expect(sampler).to_have_attribute("data-status", "cancelled")


def test_a_killed_worker_is_said_on_the_page_and_the_run_goes_on(editor: Editor) -> None:
    sampler, save = opened(editor, seed=15, steps=200)
    editor.page.keyboard.press("Control+Enter")
    expect(sampler.locator(".node-steps")).to_be_visible(timeout=RUN)
    os.kill(worker_of(editor.server), signal.SIGKILL)
    expect(editor.page.locator(".message-error")).to_contain_text("worker", timeout=RUN)
    finished(editor)
    expect(sampler).to_have_attribute("data-status", "fresh")
    expect(save.locator("video")).to_be_visible(timeout=RUN)


def test_a_size_that_the_patch_does_not_divide_is_said_on_the_node_with_what_to_try(editor: Editor) -> None:
    content = json.loads(WORKFLOW.read_text())
    content["nodes"]["canvas"]["params"]["width"] = 72
    editor.bring_in(content, "odd size")
    expect(editor.node("canvas").locator(".note-error")).to_contain_text("72")
    editor.page.keyboard.press("Control+Enter")
    finished(editor)
    expect(editor.node("canvas")).to_have_attribute("data-status", "failed")
    set_number(editor, editor.node("canvas"), "Width", 80)
    expect(editor.node("canvas").locator(".note-error")).to_have_count(0)


def test_an_unknown_word_is_named_quietly_on_the_node(editor: Editor) -> None:
    opened(editor, seed=17)
    prompt = editor.node("prompt").get_by_role("textbox", name="Text")
    prompt.fill("a red ball and a zeppelin")
    warning = editor.node("encode").locator(".note-warning", has_text="zeppelin")
    expect(warning).to_have_count(1)
    editor.page.get_by_role("button", name="Undo").click()
    expect(warning).to_have_count(0)


def test_results_are_there_again_after_a_restart_of_the_server(editor: Editor, tmp_path: Path) -> None:
    _, save = opened(editor, seed=18)
    editor.page.keyboard.press("Control+Enter")
    finished(editor)
    expect(save.locator("video")).to_be_visible(timeout=RUN)
    with served(editor.server.home, log=tmp_path / "second.log") as second:
        page = editor.page.context.new_page()
        page.goto(f"{second.url}/w/text_to_video")
        expect(page.locator('.node[data-node="save"] video')).to_be_visible()
        assert page.locator('.node[data-node="sampler"]').get_attribute("data-status") == "cached"
        page.close()
