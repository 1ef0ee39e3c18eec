"""The HTTP side: workflows in and out, the answer to a wire, views with ranges."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from served import Served, served

from assets.store import Store
from assets.values import Clip, SavedFile, Text

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def digests() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, digests: dict[str, str]) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    store = Store(home / "store")
    frames = np.zeros((9, 64, 64, 3), np.uint8)
    frames[:, 20:40, 20:40] = 255
    digests["clip"] = store.put(Clip(frames, 12.0))
    digests["text"] = store.put(Text(HOSTILE))
    digests["gone"] = store.put(SavedFile("gone.mp4", "0" * 64))
    store.close()
    with served(home) as started:
        yield started


def test_a_stored_clip_is_served_in_ranges_and_for_ever(server: Served, digests: dict[str, str]) -> None:
    about = httpx.get(f"{server.url}/view/{digests['clip']}/about", timeout=30).json()
    assert about["media_type"].startswith("video/")
    whole = httpx.get(f"{server.url}{about['url']}")
    assert "immutable" in whole.headers["cache-control"]
    assert whole.headers["accept-ranges"] == "bytes"
    for asked, expected in (("bytes=10-19", whole.content[10:20]), ("bytes=-50", whole.content[-50:])):
        part = httpx.get(f"{server.url}{about['url']}", headers={"Range": asked})
        assert part.status_code == 206
        assert part.content == expected


def test_a_stored_text_comes_as_text_never_as_html(server: Served, digests: dict[str, str]) -> None:
    about = httpx.get(f"{server.url}/view/{digests['text']}/about").json()
    assert about["text"] == HOSTILE
    answer = httpx.get(f"{server.url}{about['url']}")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("digest", ["0" * 64, "..", "x", "%2e%2e%2fsettings"])
def test_an_unknown_digest_is_answered_with_a_sentence(server: Served, digest: str) -> None:
    answer = httpx.get(f"{server.url}/view/{digest}/about")
    assert answer.status_code == 404


def test_a_written_file_that_is_gone_is_said_to_be_gone(server: Served, digests: dict[str, str]) -> None:
    answer = httpx.get(f"{server.url}/view/{digests['gone']}/about")
    assert answer.status_code == 404
    assert "run again" in answer.json()["detail"]


def test_a_corrupt_workflow_is_refused_with_its_place_and_nothing_is_kept_of_it(server: Served) -> None:
    for name, content in {
        "cut": '{"format": "patchloom/1", "nodes": {',
        "other": "[]",
        "new": '{"format": "patchloom/9"}',
    }.items():
        answer = httpx.post(f"{server.url}/api/workflows", json={"name": name, "content": content})
        assert answer.status_code == 422
        assert answer.json()["detail"]
        assert not (server.home / "workflows" / f"{name}.loom.json").exists()


def test_a_workflow_with_an_unknown_node_comes_back_as_it_went_in(server: Served) -> None:
    content = {
        "format": "patchloom/1",
        "nodes": {"a": {"type": "from_the_future", "version": 3, "params": {"x": [1, {"y": HOSTILE}]}, "more": True}},
        "wires": [],
        "layout": {"a": {"x": 1, "y": 2}},
        "meta": {"title": HOSTILE},
        "later": {"kept": True},
    }
    made = httpx.post(f"{server.url}/api/workflows", json={"name": "future", "content": json.dumps(content)}).json()
    assert httpx.get(f"{server.url}/api/workflows/{made['name']}/file").json() == content


def test_a_taken_name_gets_a_number(server: Served) -> None:
    names = [httpx.post(f"{server.url}/api/workflows", json={"name": "twice"}).json()["name"] for _ in range(2)]
    assert names == ["twice", "twice 2"]


def test_a_name_of_any_script_opens(server: Served) -> None:
    made = httpx.post(f"{server.url}/api/workflows", json={"name": "übung 日本"}).json()["name"]
    assert httpx.get(f"{server.url}/api/workflows/{quote(made)}").json()["records"] == {}
    assert httpx.get(f"{server.url}/w/{quote(made)}").status_code == 200


def test_a_hostile_workflow_name_is_no_markup_in_the_page(server: Served) -> None:
    page = httpx.get(f"{server.url}/w/{quote('</script>' + HOSTILE, safe='')}")
    assert HOSTILE not in page.text


def test_a_wire_that_cannot_be_is_answered_with_the_reason(server: Served) -> None:
    content = {
        "format": "patchloom/1",
        "nodes": {name: {"type": "prompt", "version": 1, "params": {}} for name in ("a", "b")},
    }
    name = httpx.post(f"{server.url}/api/workflows", json={"name": "wires", "content": json.dumps(content)}).json()[
        "name"
    ]
    address = f"{server.url}/api/workflows/{name}/why-not"
    assert httpx.get(address, params={"source": "a.text", "target": "b.text"}).json() == {"reason": None}
    reason = httpx.get(address, params={"source": "a.nothing", "target": "b.text"}).json()["reason"]
    assert "nothing" in reason
    assert httpx.get(address, params={"source": "a.text", "target": "gone.text"}).json()["reason"]


def test_what_is_uploaded_can_be_read_by_its_name(server: Served) -> None:
    names = [httpx.put(f"{server.url}/api/files/my clip.mp4", content=b"bytes").json()["name"] for _ in range(2)]
    assert names == ["my clip.mp4", "my clip 2.mp4"]
    listed = httpx.get(f"{server.url}/api/files").json()
    assert set(names) <= set(listed)
    assert (server.home / "inputs" / "my clip.mp4").read_bytes() == b"bytes"


def test_a_file_has_a_picture_and_what_may_not_be_read_or_is_none_has_not(server: Served) -> None:
    def picture(name: str) -> httpx.Response:
        return httpx.get(f"{server.url}/api/files/picture", params={"file": name})

    assert picture("ball.mp4").headers["content-type"] == "image/webp"
    httpx.put(f"{server.url}/api/files/notes.png", content=b"no picture")
    for name in ("notes.png", "gone.mp4", "../settings.toml", "/etc/passwd", ""):
        answer = picture(name)
        assert (answer.status_code, answer.content) == (204, b"")


def test_the_first_start_opens_text_to_video(server: Served) -> None:
    answer = httpx.get(f"{server.url}/")
    assert answer.headers["location"] == "/w/text_to_video"


def test_a_taken_port_is_said_in_a_sentence(server: Served, tmp_path: Path) -> None:
    from dataclasses import replace

    from app import settings
    from app.server import refuse_taken_port

    with pytest.raises(OSError, match=f"port {server.port} .* is taken"):
        refuse_taken_port(replace(settings.load(tmp_path), port=server.port))
