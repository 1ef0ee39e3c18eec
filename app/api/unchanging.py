"""Scripts, styles and fonts of the page: they never change while a server runs, so each is read and compressed once."""

import gzip

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OF_THE_PAGE = "/_nicegui/"
"""Below it are scripts, styles and fonts, a few megabytes; views of results never change either, and are many."""
LEVEL = 5
"""Of gzip: at 9 a large workflow is a fortieth shorter and takes six times as long, while nothing else is answered."""
ALTERING = ("range", "if-none-match", "if-modified-since")
"""Headers of a request to which another may be answered otherwise."""


class CompressedOnce(GZipMiddleware):
    """Compresses what a server sends, and keeps answers that say they are immutable as they went out.

    Compressing the scripts of a page anew took most of the server's time for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, compresslevel=LEVEL)
        self._kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _for_all_alike(scope):
            await super().__call__(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._kept:
            sent: list[Message] = []

            async def noting(message: Message) -> None:
                sent.append(message)
                await send(message)

            await super().__call__(scope, receive, noting)
            if _never_changes(sent):
                self._kept[path] = sent
            return
        for message in self._kept[path]:
            await send(message)


def _for_all_alike(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return False
    if not scope["path"].startswith(OF_THE_PAGE):
        return False
    headers = Headers(scope=scope)
    return "gzip" in headers.get("accept-encoding", "") and not any(name in headers for name in ALTERING)


def _never_changes(sent: list[Message]) -> bool:
    start, body = sent[0], b"".join(message.get("body", b"") for message in sent[1:])
    headers = Headers(raw=start["headers"])
    return start["status"] == 200 and "immutable" in headers.get("cache-control", "") and _is_whole(body, headers)


def _is_whole(body: bytes, headers: Headers) -> bool:
    """Whether all of it was sent; who breaks off gets less."""
    if "content-length" in headers:
        return len(body) == int(headers["content-length"])
    try:
        return bool(gzip.decompress(body))
    except (OSError, EOFError):
        return False
