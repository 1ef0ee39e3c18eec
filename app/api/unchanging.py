"""Scripts, styles and fonts of the page: they never change while a server runs, so each is read and compressed once."""

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALTERING = ("range", "if-none-match", "if-modified-since")
"""Headers of a request to which another may be answered otherwise."""


class CompressedOnce(GZipMiddleware):
    """Compresses what a server sends, and keeps answers that say they are immutable as they went out.

    Compressing the scripts of a page anew took most of the server's time for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
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
    headers = Headers(scope=scope)
    return "gzip" in headers.get("accept-encoding", "") and not any(name in headers for name in ALTERING)


def _never_changes(sent: list[Message]) -> bool:
    start, last = sent[0], sent[-1]
    whole = start["status"] == 200 and not last.get("more_body", False)
    return whole and "immutable" in Headers(raw=start["headers"]).get("cache-control", "")
