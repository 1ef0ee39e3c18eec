"""Fingers on a tablet: one pans and drags, two zoom, wherever they come down."""

import re
from collections.abc import Iterator

import pytest
from conftest import Editor, Point, keep_event, middle
from playwright.sync_api import Browser, CDPSession, expect
from served import Served
from test_arranging import ROW

pytestmark = pytest.mark.e2e

BARE = (520.0, 700.0)
IN_A_ROW = {**ROW, "layout": {"prompt": {"x": 0, "y": 0}, "expand": {"x": 380, "y": 0}, "again": {"x": 760, "y": 0}}}


class Fingers:
    """Real touches, by the browser's own protocol."""

    def __init__(self, editor: Editor) -> None:
        self._page = editor.page
        self._session: CDPSession = editor.page.context.new_cdp_session(editor.page)

    def move(self, *ways: tuple[Point, Point], steps: int = 8) -> None:
        """Each finger from one point to another, put down one after the other, all together from there on."""
        starts = [start for start, _ in ways]
        for count in range(len(ways)):
            self._touch("touchStart", starts[: count + 1])
        for step in range(1, steps + 1):
            self._touch("touchMove", [between(way, step / steps) for way in ways])
        for left in reversed(range(len(ways))):
            self._touch("touchEnd", [end for _, end in ways[:left]])

    def _touch(self, kind: str, points: list[Point]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        self._page.wait_for_timeout(20)


def between(way: tuple[Point, Point], part: float) -> Point:
    (x, y), (to_x, to_y) = way
    return x + (to_x - x) * part, y + (to_y - y) * part


def apart(point: Point, before: float, after: float) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
    """Two fingers about a point, `before` and then `after` pixels from each other."""
    x, y = point
    left, right = (((x + side * before / 2, y), (x + side * after / 2, y)) for side in (-1, 1))
    return left, right


@pytest.fixture
def tablet(browser: Browser, server: Served) -> Iterator[Editor]:
    context = browser.new_context(viewport={"width": 1180, "height": 820}, has_touch=True)
    context.add_init_script("localStorage.setItem('patchloom.toured', 'yes')")
    editor = Editor(context.new_page(), server)
    editor.page.set_default_timeout(90_000)
    editor.page.on("pageerror", lambda error: editor.complaints.append(str(error)))
    editor.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: keep_event(editor, str(frame))))
    editor.bring_in(IN_A_ROW)
    editor.page.wait_for_function("() => document.querySelectorAll('.node').length === 3")
    editor.page.keyboard.press("Home")
    settle(editor)
    yield editor
    context.close()
    assert not editor.complaints


def settle(editor: Editor) -> None:
    """Wait until the view has come to rest."""
    before, now = None, view(editor)
    while now != before:
        editor.page.wait_for_timeout(200)
        before, now = now, view(editor)


def view(editor: Editor) -> tuple[float, float, float]:
    """x, y and zoom."""
    style = editor.page.locator(".vue-flow__transformationpane").get_attribute("style") or ""
    found = re.search(r"translate\((\S+)px, (\S+)px\) scale\((\S+)\)", style)
    assert found, style
    x, y, zoom = map(float, found.groups())
    return x, y, zoom


@pytest.mark.parametrize("over", ["the canvas", "a header", "a text field", "a number", "two nodes"])
def test_two_fingers_zoom_about_where_they_are_and_move_no_node(tablet: Editor, over: str) -> None:
    before, saved = view(tablet), tablet.records()
    places = {
        "the canvas": BARE,
        "a header": middle(tablet.node("expand").locator(".node-header")),
        "a text field": middle(tablet.node("prompt").get_by_role("textbox", name="Text")),
        "a number": middle(tablet.node("again").get_by_role("spinbutton", name="Seed")),
        "two nodes": between((middle(tablet.node("prompt")), middle(tablet.node("expand"))), 0.5),
    }
    x, y = places[over]
    wide = 260 if over == "two nodes" else 80
    Fingers(tablet).move(*apart((x, y), wide, 2 * wide))
    settle(tablet)
    new_x, new_y, zoom = view(tablet)
    assert zoom == pytest.approx(2 * before[2], rel=0.05)
    box = tablet.page.locator(".vue-flow").bounding_box()
    assert box
    held = (x - box["x"], y - box["y"])
    for at, now, then in zip(held, (new_x, new_y), before[:2], strict=True):
        assert (at - now) / zoom == pytest.approx((at - then) / before[2], abs=8)
    Fingers(tablet).move(*apart(BARE, 300, 150))
    settle(tablet)
    assert view(tablet)[2] == pytest.approx(zoom / 2, rel=0.05)
    assert tablet.page.evaluate("visualViewport.scale") == 1
    assert tablet.records() == saved


def test_one_finger_pans_the_canvas_and_drags_a_node(tablet: Editor) -> None:
    x, y, zoom = view(tablet)
    Fingers(tablet).move((BARE, (BARE[0] - 100, BARE[1] - 60)))
    settle(tablet)
    assert list(view(tablet)) == pytest.approx([x - 100, y - 60, zoom], abs=3)
    grip = middle(tablet.node("expand").locator(".node-title"))
    Fingers(tablet).move((grip, (grip[0] + 30, grip[1] + 120)))
    tablet.wait_for_records(lambda records: records["layout:expand"]["y"] > 60)
    assert view(tablet)[0] == pytest.approx(x - 100, abs=3)


def test_a_finger_draws_a_wire_to_a_port_and_out_of_the_void_a_node(tablet: Editor) -> None:
    expand = tablet.node("expand")
    output, given = tablet.socket(expand, "output", "text"), tablet.socket(tablet.node("again"), "input", "text")
    tablet.page.locator(".vue-flow__pane").click(position={"x": BARE[0], "y": BARE[1] - 60})
    Fingers(tablet).move((output, given))
    tablet.wait_for_records(lambda records: records["wire:again.text"]["from"] == ["expand", "text"])
    Fingers(tablet).move((output, BARE))
    expect(tablet.page.locator(".palette")).to_have_count(1)


@pytest.fixture
def phone(browser: Browser, server: Served) -> Iterator[Editor]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    context.add_init_script("localStorage.setItem('patchloom.toured', 'yes')")
    editor = Editor(context.new_page(), server)
    editor.page.set_default_timeout(90_000)
    editor.bring_in(
        {
            **ROW,
            "nodes": {**ROW["nodes"], "sheet": {"type": "prompt_template", "version": 1, "params": {}}},
            "layout": {**ROW["layout"], "sheet": {"x": 0, "y": 400}},
        }
    )
    yield editor
    context.close()


def test_on_a_phone_all_of_the_form_is_as_large_as_a_finger_and_nothing_is_out_of_the_page(phone: Editor) -> None:
    page = phone.page
    page.get_by_role("button", name="App", exact=True).tap()
    page.get_by_role("button", name="Choose what is shown").tap()
    expect(page.locator(".app-choice").first).to_be_visible()
    small = """() => [...document.querySelectorAll(`.topbar button,
        .app-view :is(button, input, select, textarea, label, [role=spinbutton]):not(
            [type=checkbox], .widget-caption, .inline-caption, .widget-reset)`)]
        .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 40)
        .map((each) => `${each.outerHTML.slice(0, 90)} ${each.getBoundingClientRect().height}`)"""
    assert page.evaluate(small) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Graph", exact=True).tap()
    hidden = """() => [...document.querySelectorAll('.view-controls button')].filter((each) => {
        const { x, y, height } = each.getBoundingClientRect();
        return !each.contains(document.elementFromPoint(x + 4, y + height / 2));
    }).map((each) => each.outerHTML.slice(0, 90))"""
    expect(page.locator(".view-controls")).to_be_visible()
    assert page.evaluate(hidden) == []
