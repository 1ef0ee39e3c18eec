"""Only the server's own pages may talk to it: real requests against a started server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import Served, served

FOREIGN = ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.example"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("home")) as started:
        yield started


def websocket_answer(server: Served, path: str, origin: str | None, host: str | None = None) -> str:
    """The status line that a WebSocket handshake gets."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host or f'127.0.0.1:{server.port}'}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Origin: {origin}"] if origin else []),
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return connection.recv(4096).decode(errors="replace").splitlines()[0]


SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def test_its_own_page_may_open_a_websocket(server: Served) -> None:
    assert " 101 " in websocket_answer(server, SOCKET, server.url)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_websocket_from_a_foreign_origin_is_refused(server: Served, origin: str) -> None:
    assert " 403 " in websocket_answer(server, SOCKET, origin)


@pytest.mark.parametrize("origin", FOREIGN)
def test_polling_from_a_foreign_origin_is_refused(server: Served, origin: str) -> None:
    address = f"{server.url}/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    assert httpx.get(address, headers={"Origin": server.url}).status_code == 200
    assert httpx.get(address, headers={"Origin": origin}).status_code in (400, 403)


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_post_from_a_foreign_origin_changes_nothing(server: Served, origin: str) -> None:
    answer = httpx.post(f"{server.url}/api/workflows", json={"name": "stolen"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert not list((server.home / "workflows").glob("stolen*"))


def test_a_cross_site_post_without_an_origin_is_refused(server: Served) -> None:
    answer = httpx.post(
        f"{server.url}/api/workflows", json={"name": "stolen"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403


def test_a_program_on_the_machine_may_post(server: Served) -> None:
    answer = httpx.post(f"{server.url}/api/workflows", json={"name": "by a program"})
    assert answer.status_code == 200
    assert (server.home / "workflows" / "by a program.loom.json").is_file()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_refused(server: Served, host: str) -> None:
    for path in ("/", "/api/nodes", "/w/text_to_video"):
        assert httpx.get(f"{server.url}{path}", headers={"Host": host}).status_code == 400
    assert " 101 " not in websocket_answer(server, SOCKET, None, host)


def test_it_listens_on_the_loopback_address_only(server: Served) -> None:
    listening = [line.split() for line in Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]]
    addresses = {fields[1] for fields in listening if fields[3] == "0A" and fields[1].endswith(f":{server.port:04X}")}
    assert addresses == {f"0100007F:{server.port:04X}"}


def test_a_page_can_load_nothing_from_elsewhere_and_cannot_be_framed(server: Served) -> None:
    policy = httpx.get(f"{server.url}/", follow_redirects=True).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", ["../evil.mp4", "..\\evil.mp4", "/etc/evil.mp4", "a/../../evil.mp4", "C:\\evil.mp4"])
def test_an_upload_stays_in_the_inputs_folder(server: Served, name: str) -> None:
    from urllib.parse import quote

    before = {path for path in server.home.parent.rglob("*evil*") if path.is_file()}
    answer = httpx.put(f"{server.url}/api/files/{quote(name, safe='')}", content=b"x")
    made = {path for path in server.home.parent.rglob("*evil*") if path.is_file()} - before
    assert all(path.parent == server.home / "inputs" for path in made)
    assert answer.status_code == 200 or not made


@pytest.mark.parametrize("name", ["..", ".hidden", "a/b", "a\\b", "con", "x" * 101, "nul\0"])
def test_a_workflow_cannot_take_a_name_that_leads_elsewhere(server: Served, name: str) -> None:
    answer = httpx.post(f"{server.url}/api/workflows", json={"name": name})
    assert answer.status_code == 422
    assert answer.json()["detail"]
