"""The editor in headless Chromium: `python -m benchmarks.editor [--nodes 100 --nodes 1000]`; sizes stand side by side.

Frames are counted by requestAnimationFrame while real mouse input comes in. The figures hold for a machine without a
GPU, and for what else it has to do meanwhile: the load average is printed with them.
"""

import gzip
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

import app.editor
from app.shipped import SHIPPED

WIDTH, HEIGHT = 1600, 900
MIDDLE = (WIDTH / 2, HEIGHT / 2)
OPENED = ".node, .overview"
OPENINGS = 7
BEFORE_PAGE = f"""
localStorage.setItem("patchloom.toured", "yes");
window.frames_ = [];
const count = (now) => (window.frames_.push(now), requestAnimationFrame(count));
requestAnimationFrame(count);
const look = () => document.querySelector("{OPENED}")
  ? requestAnimationFrame(() => setTimeout(() => (window.opened = performance.now())))
  : requestAnimationFrame(look);
look();
window.typed = [];
document.addEventListener("keydown", (event) =>
  requestAnimationFrame(() => setTimeout(() => window.typed.push(performance.now() - event.timeStamp))), true);
"""


def main(
    nodes: Annotated[list[int] | None, typer.Option(help="Nodes in the graph; repeat to compare.")] = None,
) -> None:
    """Measure opening, panning, zooming, dragging and typing."""
    sizes = nodes or [100, 1000]
    columns = []
    with served() as url, chromium() as browser:
        for size in sizes:
            columns.append(measure(browser, url, size))
        previews = playing(browser, url, 100)
    console = Console()
    table = Table("frame median / p95 in ms", *(f"{size} nodes" for size in sizes), box=None)
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns))
    console.print(table)
    script = (Path(app.editor.__file__).parent / "dist" / "index.js").read_bytes()
    console.print(f"100 clips playing, pan: {previews}")
    console.print(f"script: {len(script) / 1000:.0f} kB, {len(gzip.compress(script)) / 1000:.0f} kB gzipped")
    console.print(f"load average: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def measure(browser: Browser, url: str, size: int) -> dict[str, str]:
    """Every row of the table for a graph of that many nodes."""
    opening = []
    for again in range(OPENINGS, 0, -1):
        page, sent = opened(browser, url, pipelines_of(size), f"size {size}")
        opening.append(page.evaluate("window.opened"))
        if again > 1:
            page.context.close()
    found = {"wires": str(len(pipelines_of(size)["wires"]))}
    found[f"open, of {OPENINGS}: median / longest"] = f"{statistics.median(opening):.0f} / {max(opening):.0f}"
    page.keyboard.press("Home")
    page.wait_for_timeout(600)
    found["all in view: pan"] = frames(page, lambda: pan(page))
    found["zoom in and out"] = frames(page, lambda: zoom(page))
    page.keyboard.press("Home")
    page.wait_for_timeout(600)
    to_scale_one(page)
    found["scale 1: pan"] = frames(page, lambda: pan(page))
    before = len(sent)
    found["scale 1: drag a node"] = frames(page, lambda: drag_node(page))
    found["sent while dragging"] = str(len(sent) - before)
    page.mouse.up()
    found["key to paint"] = typing(page)
    page.context.close()
    return found


def playing(browser: Browser, url: str, size: int) -> str:
    """Frames while panning over that many clips that play."""
    page, _ = opened(browser, url, clips(size), f"{size} clips")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(f"document.querySelectorAll('.clip-view').length >= {size}", timeout=120_000)
    page.keyboard.press("Home")
    page.wait_for_timeout(3000)
    found = frames(page, lambda: pan(page))
    page.context.close()
    return found


# What a hand does


def pan(page: Page) -> None:
    """Pan with the middle button, to and fro, for some two seconds."""
    page.mouse.move(*MIDDLE)
    page.mouse.down(button="middle")
    for step in range(60):
        page.mouse.move(MIDDLE[0] + 240 * triangle(step / 60), MIDDLE[1] + 120 * triangle(step / 40))
    page.mouse.up(button="middle")


def zoom(page: Page) -> None:
    """Zoom in by the wheel and out again."""
    page.mouse.move(*MIDDLE)
    for direction in (-1, 1):
        for _ in range(25):
            page.mouse.wheel(0, direction * 60)


def to_scale_one(page: Page) -> None:
    page.locator(".zoom-value").click()
    page.wait_for_timeout(500)


def drag_node(page: Page) -> None:
    """Take hold of the header nearest to the middle and move it; the button stays down."""
    boxes = page.evaluate(
        "[...document.querySelectorAll('.node-title')].map((title) => title.getBoundingClientRect())"
        ".map(({ x, y }) => [x + 20, y + 6])"
    )
    x, y = min(boxes, key=lambda at: abs(at[0] - MIDDLE[0]) + abs(at[1] - MIDDLE[1]))
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 2 + 180 * triangle(step / 60), y + 90 * triangle(step / 40))


def typing(page: Page) -> str:
    """Type into the text field of a prompt, which Ctrl+F brings into sight."""
    page.keyboard.press("Control+f")
    page.keyboard.type("prompt_0")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    page.locator('.node[data-node="prompt_0"] textarea').click()
    page.evaluate("window.typed = []")
    page.keyboard.type(" over the hills and far away", delay=40)
    page.wait_for_timeout(300)
    return summed(page.evaluate("window.typed")) + " ms"


def triangle(turns: float) -> float:
    """0, up to 1 and back, for each turn."""
    return 1 - abs((turns % 1) * 2 - 1)


# What is counted


def frames(page: Page, gesture: Callable[[], None]) -> str:
    """Median and 95th percentile of the time between frames while the gesture goes on."""
    page.evaluate("window.frames_ = []")
    gesture()
    times: list[float] = page.evaluate("window.frames_")
    return summed([after - before for before, after in pairwise(times)])


def summed(values: list[float]) -> str:
    if len(values) < 4:
        return f"only {len(values)}"
    return f"{statistics.median(values):.0f} / {statistics.quantiles(values, n=20)[-1]:.0f}"


# What is opened


def pipelines_of(size: int) -> dict[str, Any]:
    """Text to video again and again, up to that many nodes; three in five samplers have a negative prompt."""
    source = json.loads((SHIPPED / "text_to_video.loom.json").read_text())
    made: dict[str, Any] = {"format": source["format"], "nodes": {}, "wires": [], "layout": {}}
    for copy in range(-(-size // len(source["nodes"]))):
        for name, node in source["nodes"].items():
            made["nodes"][f"{name}_{copy}"] = node
            place = source["layout"][name]
            x, y = place["x"] + 1700 * (copy % 8), place["y"] + 900 * (copy // 8)
            made["layout"][f"{name}_{copy}"] = {"x": x, "y": y}
        extra = [{"from": ["encode", "conditioning"], "to": ["sampler", "negative"]}] if copy % 5 < 3 else []
        for wire in source["wires"] + extra:
            made["wires"].append({end: [f"{wire[end][0]}_{copy}", wire[end][1]] for end in ("from", "to")})
    return made


def clips(size: int) -> dict[str, Any]:
    nodes = {f"clip_{n}": {"type": "load_clip", "version": 1, "params": {"file": "ball.mp4"}} for n in range(size)}
    layout = {f"clip_{n}": {"x": 320 * (n % 14), "y": 560 * (n // 14)} for n in range(size)}
    return {"format": "patchloom/1", "nodes": nodes, "wires": [], "layout": layout}


def opened(browser: Browser, url: str, content: dict[str, Any], name: str) -> tuple[Page, list[str]]:
    """The page with that workflow, opened with nothing cached, and the list of what it sends."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.add_init_script(BEFORE_PAGE)
    page = context.new_page()
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: keep_event(sent, str(frame))))
    answer = page.request.post(f"{url}/api/workflows", data={"name": name, "content": json.dumps(content)})
    page.goto(f"{url}/w/{answer.json()['name']}")
    page.wait_for_function("window.opened", timeout=120_000)
    page.wait_for_timeout(1500)
    return page, sent


def keep_event(sent: list[str], frame: str) -> None:
    if frame.startswith('42["event"'):
        sent.append(frame)


@contextmanager
def served() -> Iterator[str]:
    """A server of its own, on an empty workspace."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--no-open"]
        process = subprocess.Popen([*command, "--home", home, "--port", url.rpartition(":")[2]])
        try:
            wait_for(f"{url}/api/nodes")
            yield url
        finally:
            process.terminate()
            process.wait()


def wait_for(url: str) -> None:
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


if __name__ == "__main__":
    typer.run(main)
