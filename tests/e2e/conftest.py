"""A real browser on a started server."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from served import Served, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Point = tuple[float, float]
# How fast things are is for the benchmark; here a busy machine may take its time.
expect.set_options(timeout=30_000)


@dataclass
class Editor:
    """The page as a person has it before them. sent: events that the page sent; complaints: errors that it logged."""

    page: Page
    server: Served
    sent: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        self.page.goto(f"{self.server.url}{path}")
        self.page.locator(".topbar").wait_for()
        self.page.locator(".node, .overview, .canvas-empty").first.wait_for()

    def bring_in(self, content: dict[str, Any], name: str = "small") -> None:
        """Open a workflow that was written elsewhere."""
        body = {"name": name, "content": json.dumps(content)}
        answer = self.page.request.post(f"{self.server.url}/api/workflows", data=body)
        self.open(f"/w/{answer.json()['name']}")

    def node(self, node: str) -> Locator:
        return self.page.locator(f'.node[data-node="{node}"]')

    def of_type(self, label: str) -> Locator:
        """The nodes with that title."""
        return self.page.locator(".node", has=self.page.get_by_role("heading", name=label, exact=True))

    def socket(self, node: Locator, side: str, name: str) -> Point:
        kind = {"input": "target", "output": "source"}[side]
        return middle(node.locator(f'.vue-flow__handle.{kind}[data-handleid="{name}"]'))

    def drag(self, start: Point, end: Point, drop: bool = True) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        # Vue Flow takes the first pixel for a click that trembles.
        mouse.move(start[0] + 2, start[1])
        mouse.move(*end, steps=8)
        if drop:
            mouse.up()

    def records(self) -> dict[str, Any]:
        """The document of record, as the server has it."""
        name = self.page.url.rsplit("/", 1)[-1]
        return self.page.request.get(f"{self.server.url}/api/workflows/{name}").json()["records"]

    def wait_for_records(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the document of record is as wanted: an edit takes a moment to reach the server."""
        until = time.monotonic() + 60
        while not self._has(wanted):
            assert time.monotonic() < until, self.records()
            self.page.wait_for_timeout(50)

    def _has(self, wanted: Callable[[dict[str, Any]], bool]) -> bool:
        try:
            return wanted(self.records())
        except KeyError:  # a record, or a field of it, that is yet to come
            return False

    def settled(self) -> None:
        """Wait until every edit is taken and on disk."""
        self.page.locator(".file-state", has_text="Saved").wait_for()


def middle(locator: Locator) -> Point:
    box = locator.bounding_box()
    assert box, f"{locator} is not on the page"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "the end-to-end tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as started:
        yield started


@pytest.fixture
def editor(browser: Browser, server: Served) -> Iterator[Editor]:
    """The editor on a fresh workspace. It must log no error and ask nothing of another host."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    # A first visit begins with the gallery and a tour, which have a test of their own.
    context.add_init_script("localStorage.setItem('patchloom.toured', 'yes')")
    editor = Editor(context.new_page(), server)
    page = editor.page
    page.set_default_timeout(90_000)
    page.on("pageerror", lambda error: editor.complaints.append(str(error)))
    page.on(
        "console", lambda said: said.type == "error" and editor.complaints.append(f"{said.text} {said.location['url']}")
    )
    page.on("request", lambda asked: editor.elsewhere.append(asked.url) if foreign(asked.url, server) else None)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: keep_event(editor, str(frame))))
    yield editor
    context.close()
    assert not editor.elsewhere
    assert not editor.complaints


def keep_event(editor: Editor, frame: str) -> None:
    """What the page says; the rest are NiceGUI's acknowledgements and heartbeats."""
    if frame.startswith('42["event"'):
        editor.sent.append(frame)


def foreign(url: str, server: Served) -> bool:
    return not url.startswith((server.url, "data:", "blob:"))
