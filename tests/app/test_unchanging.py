"""What never changes is compressed once, and answered as it was."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.api.unchanging import CompressedOnce

SCRIPT = b"export const answer = 42;\n" * 100
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class Files:
    """Answers from below the middleware, and how often each was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        routes = [
            Route("/_nicegui/script.js", self.script),
            Route("/view/clip", self.script),
            Route("/state", self.state),
            Route("/_nicegui/gone.js", self.gone),
        ]
        self.app = CompressedOnce(Starlette(routes=routes))

    async def script(self, request: Request) -> Response:
        self.asked.append("script")
        if "range" in request.headers:
            return Response(SCRIPT[:10], 206, headers=FOR_EVER)
        return Response(SCRIPT, headers=FOR_EVER, media_type="text/javascript")

    async def state(self, request: Request) -> Response:
        self.asked.append("state")
        return Response(f"{len(self.asked)}")

    async def gone(self, request: Request) -> Response:
        self.asked.append("gone")
        return Response("no", 404, headers=FOR_EVER)

    def get(self, path: str, **headers: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())


def facts(answer: httpx.Response) -> dict[str, Any]:
    return {"status": answer.status_code, "content": answer.content, "headers": dict(answer.headers)}


def test_a_script_is_read_and_compressed_once() -> None:
    files = Files()
    first, second = files.get("/_nicegui/script.js"), files.get("/_nicegui/script.js")
    assert files.asked == ["script"]
    assert facts(first) == facts(second)
    assert first.headers["content-encoding"] == "gzip"
    assert first.content == SCRIPT


def test_who_cannot_read_gzip_gets_the_plain_script() -> None:
    files = Files()
    files.get("/_nicegui/script.js")
    answer = files.get("/_nicegui/script.js", **{"Accept-Encoding": "identity"})
    assert answer.content == SCRIPT
    assert "content-encoding" not in answer.headers


def test_a_part_of_a_script_is_not_taken_for_all_of_it() -> None:
    files = Files()
    assert files.get("/_nicegui/script.js", Range="bytes=0-9").content == SCRIPT[:10]
    assert files.get("/_nicegui/script.js").content == SCRIPT
    assert files.get("/_nicegui/script.js", Range="bytes=0-9").content == SCRIPT[:10]


def test_what_may_change_and_what_is_not_there_are_asked_for_each_time() -> None:
    files = Files()
    assert [files.get("/state").text for _ in range(3)] == ["1", "2", "3"]
    assert [files.get("/_nicegui/gone.js").status_code for _ in range(2)] == [404, 404]
    assert files.asked[3:] == ["gone", "gone"]


def test_another_query_is_another_question() -> None:
    files = Files()
    files.get("/_nicegui/script.js")
    files.get("/_nicegui/script.js?v=2")
    assert files.asked == ["script", "script"]


def test_what_belongs_to_results_is_not_kept_in_memory() -> None:
    files = Files()
    assert [files.get("/view/clip").content for _ in range(2)] == [SCRIPT, SCRIPT]
    assert files.asked == ["script", "script"]


def test_an_answer_that_was_cut_short_is_not_given_again() -> None:
    asked: list[str] = []

    async def broken_off(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        length = str(len(SCRIPT)).encode()
        headers = [(b"cache-control", FOR_EVER["Cache-Control"].encode()), (b"content-length", length)]
        headers.append((b"content-type", b"font/woff2"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": SCRIPT[: 7 if len(asked) == 1 else None]})

    files = Files()
    files.app = CompressedOnce(broken_off)
    assert [files.get("/_nicegui/inter.woff2").content for _ in range(3)] == [SCRIPT[:7], SCRIPT, SCRIPT]
    assert len(asked) == 2
