"""Who may talk to the server: pages that it served itself, by a name that it has.

Patchloom runs on its user's machine and can read and write there, so a web page from elsewhere must not reach it:
neither across origins (WebSocket, POST), nor by a foreign host name that leads to 127.0.0.1 (DNS rebinding).
"""

from collections.abc import Sequence

from nicegui import app, core
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost")
READING = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    # NiceGUI's page has inline scripts and evaluates those of its messages; what matters here is that nothing can be
    # loaded from, or sent to, another place, and that no other page can frame this one.
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self' data:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def protect(host: str, port: int) -> None:
    """Close what NiceGUI leaves open. host, port: where the server listens."""
    hosts = [*LOOPBACK] if host in LOOPBACK else [*LOOPBACK, host]
    origins = [f"http://{name}:{port}" for name in hosts]
    core.sio.eio.cors_allowed_origins = origins
    app.add_middleware(OwnPagesOnly, origins=origins)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)


class OwnPagesOnly:
    """Refuses WebSockets and changing requests that come from a page of another origin; adds the headers above."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket" and self._foreign(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008, "reason": "foreign origin"})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] not in READING and self._foreign(Headers(scope=scope)):
            refusal = PlainTextResponse("This server takes requests from its own pages only.", status_code=403)
            await refusal(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)

    def _foreign(self, headers: Headers) -> bool:
        """A browser names the page's origin ("null" for a file or a sandbox); other programs send none."""
        origin = headers.get("origin")
        if origin is not None:
            return origin not in self._origins
        return headers.get("sec-fetch-site") not in (None, "same-origin", "none")
