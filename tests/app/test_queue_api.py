"""Queue, history and sweeps over HTTP, and that only the server's own pages may use them."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from served import Served, served

TEXTS = "two texts"
CONTENT = """{"format": "patchloom/1", "nodes": {
  "a": {"type": "prompt", "version": 1, "params": {"text": "a red ball"}},
  "b": {"type": "prompt_template", "version": 1, "params": {}}}}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("home")) as started:
        httpx.post(f"{started.url}/api/workflows", json={"name": TEXTS, "content": CONTENT}).raise_for_status()
        yield started


def ended(server: Served, run: str) -> dict[str, Any]:
    """The run, once it has ended."""
    until = time.monotonic() + 120
    while True:
        found: dict[str, Any] = httpx.get(f"{server.url}/api/history/{run}", timeout=30).json()
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        assert time.monotonic() < until, found


def queued(server: Served, **more: Any) -> list[str]:
    answer = httpx.post(f"{server.url}/api/queue", json={"workflow": TEXTS, **more}, timeout=30)
    assert answer.status_code == 200, answer.text
    runs: list[str] = answer.json()["runs"]
    return runs


def test_a_run_is_queued_done_and_its_exact_graph_opens_again(server: Served) -> None:
    (run,) = queued(server, targets=["a"])
    found = ended(server, run)
    assert (found["state"], found["result"]["ran"]) == ("done", 1)
    assert found["result"]["nodes"].keys() == {"a"}
    assert found["forecast"]["unknown"] == 1
    foreseen = httpx.get(f"{server.url}/api/workflows/{TEXTS}/forecast").json()
    assert (foreseen["to_run"], foreseen["cached"]) == (1, 1)
    listed = httpx.get(f"{server.url}/api/history").json()
    assert listed[0]["id"] == run
    assert "nodes" not in listed[0]["result"]
    assert httpx.get(f"{server.url}/api/history/{run}/file").json()["nodes"]["a"]["params"] == {"text": "a red ball"}
    name = httpx.post(f"{server.url}/api/history/{run}/open", json={}).json()["name"]
    assert name == f"{TEXTS} 2"
    records = httpx.get(f"{server.url}/api/workflows/{name}").json()["records"]
    assert records["node:a"]["params"] == {"text": "a red ball"}


def test_a_sweep_lists_its_cells_and_says_when_it_has_no_clip_to_show(server: Served) -> None:
    body = {"workflow": TEXTS, "over": ["b.seed=1,2", "a.text=x,y"]}
    sweep = httpx.post(f"{server.url}/api/sweeps", json=body, timeout=30).json()["sweep"]
    found = httpx.get(f"{server.url}/api/sweeps/{sweep}").json()
    assert [cell["label"] for cell in found["cells"]] == ["seed 1, x", "seed 1, y", "seed 2, x", "seed 2, y"]
    assert [axis["labels"] for axis in found["axes"]] == [["seed 1", "seed 2"], ["x", "y"]]
    assert ended(server, found["cells"][-1]["id"])["state"] == "done"
    sheet = httpx.get(f"{server.url}/api/sweeps/{sweep}/sheet.png", timeout=30)
    assert sheet.status_code == 422
    assert "no run of this sweep has a clip" in sheet.json()["detail"]
    assert httpx.get(f"{server.url}/api/sweeps/{sweep}/sheet.exe").status_code == 404


def test_what_cannot_be_is_answered_with_a_sentence(server: Served) -> None:
    def answer(method: str, path: str, **body: Any) -> tuple[int, str]:
        said = httpx.request(method, f"{server.url}/api/{path}", json=body)
        return said.status_code, str(said.json()["detail"])

    for method, path in (
        ("POST", "queue/x/cancel"),
        ("POST", "queue/x/move"),
        ("GET", "history/x"),
        ("GET", "sweeps/x"),
    ):
        status, sentence = answer(method, path)
        assert status == 404
        assert "'x'" in sentence
    assert answer("POST", "queue", workflow="nowhere")[0] == 422
    assert "there is no node 'z'" in answer("POST", "queue", workflow=TEXTS, targets=["z"])[1]
    assert "nothing in this workflow has a seed" in answer("POST", "queue", workflow=TEXTS, count=2, targets=["a"])[1]
    assert "is no axis" in answer("POST", "sweeps", workflow=TEXTS, over=["seed=1"])[1]
    assert answer("POST", "queue", workflow=TEXTS, count=10**6)[0] == 422


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_page_can_queue_move_and_forget_nothing(server: Served, origin: str) -> None:
    (run,) = queued(server)
    ended(server, run)
    before = httpx.get(f"{server.url}/api/history").json()
    for method, path in (
        ("POST", "queue"),
        ("POST", f"queue/{run}/cancel"),
        ("POST", f"queue/{run}/move"),
        ("POST", f"history/{run}/open"),
        ("DELETE", f"history/{run}"),
        ("POST", "sweeps"),
    ):
        body = {"workflow": TEXTS, "over": ["b.seed=1"]}
        answer = httpx.request(method, f"{server.url}/api/{path}", json=body, headers={"Origin": origin})
        assert answer.status_code == 403
    assert httpx.get(f"{server.url}/api/history").json() == before
    assert httpx.delete(f"{server.url}/api/history/{run}").status_code == 200
    assert run not in {each["id"] for each in httpx.get(f"{server.url}/api/history").json()}
