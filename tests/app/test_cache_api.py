"""The store over HTTP: what is kept is shown, pinned, cleared and bounded by the page."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served import Served, served

from assets.codec import encoded
from assets.store import Made, Store
from assets.values import Text

KEYS = {node: key * 64 for node, key in (("prompt", "a"), ("expand_prompt", "b"), ("caption", "c"))}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(autouse=True)
def _fill(server: Served) -> None:
    store = Store(server.home / "store")
    for seconds, (node, key) in enumerate(KEYS.items(), 1):
        store.pin(key, False)
        store.keep([Made(key, node, {"text": encoded(Text(node * 50))}, float(seconds), "cpu")])
    store.close()


def cache(server: Served, method: str = "GET", path: str = "", **more: Any) -> httpx.Response:
    return httpx.request(method, f"{server.url}/api/cache{path}", timeout=30, **more)


def spoil(store: Store, digest: str) -> None:
    """Damage a small blob, as a failing disk does."""
    database = sqlite3.connect(store.folder / "index.db")
    with database:
        database.execute("UPDATE blobs SET data = CAST(data || 'more' AS BLOB) WHERE digest = ?", (digest,))
    database.close()


def nodes(server: Served) -> set[str]:
    return {result["node"] for result in cache(server).json()["results"]}


def test_results_are_shown_with_what_made_them_and_what_they_took(server: Served) -> None:
    found = cache(server).json()
    assert found["bytes"] == sum(result["bytes"] for result in found["results"])
    assert found["budget"] == 20_000_000_000
    seconds = {result["node"]: result["seconds"] for result in found["results"]}
    assert seconds == {"prompt": 1.0, "expand_prompt": 2.0, "caption": 3.0}
    slowest = cache(server, path="?limit=2&order=seconds").json()
    assert [result["node"] for result in slowest["results"]] == ["caption", "expand_prompt"]
    assert slowest["count"] == 3
    assert cache(server, path="?order=colour").status_code == 422


def test_a_damaged_result_is_found_and_deleted(server: Served) -> None:
    assert cache(server, "POST", "/verify").json() == {"damaged": 0}
    store = Store(server.home / "store")
    spoil(store, store.named(KEYS["caption"]).outputs["text"])
    store.close()
    assert cache(server, "POST", "/verify").json() == {"damaged": 1}


def test_a_pinned_result_stays_when_all_is_cleared(server: Served) -> None:
    assert cache(server, "POST", f"/{KEYS['caption']}/pin", json={"pinned": True}).json()["pinned"] is True
    assert cache(server, "DELETE").json()["results"] == 2
    assert nodes(server) == {"caption"}


def test_one_result_is_forgotten_by_its_name(server: Served) -> None:
    assert cache(server, "DELETE", f"/{KEYS['prompt']}").json()["results"] == 1
    assert nodes(server) == {"expand_prompt", "caption"}
    unknown = cache(server, "DELETE", f"/{KEYS['prompt']}")
    assert unknown.status_code == 404
    assert "nothing in the store is called" in unknown.json()["detail"]


def test_a_budget_is_held_at_once_and_after_a_restart(server: Served) -> None:
    refused = cache(server, "PUT", "/budget", json={"disk": "lots"})
    assert refused.status_code == 422
    assert "needs a size like '20 GB'" in refused.json()["detail"]
    held = cache(server, "PUT", "/budget", json={"disk": "900 B"}).json()
    assert held["budget"] == 900
    assert cache(server).json()["bytes"] <= 900
    assert "900 B" in (server.home / "settings.json").read_text()
    assert cache(server, "PUT", "/budget", json={"disk": "20 GB"}).json()["ram"] == 1024**3


def test_the_workers_memory_is_bounded_without_a_restart(server: Served) -> None:
    assert cache(server, "PUT", "/budget", json={"ram": "30 MB"}).json()["ram"] == 30_000_000
    assert cache(server).json()["memory"]["values"]["budget"] == 30_000_000


def test_other_pages_can_change_nothing(server: Served) -> None:
    foreign = {"Origin": "http://evil.example"}
    assert cache(server, "DELETE", headers=foreign).status_code == 403
    assert nodes(server) == KEYS.keys()
