"""A hub on this machine that speaks as much of the Hugging Face protocol as a download asks for."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REVISION = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """files: what the repository "owner/model" holds. said: the sha256 that the hub claims, where it is another."""

    def __init__(self, files: Mapping[str, bytes], said: Mapping[str, str] | None = None) -> None:
        self.files, self.said, self.asked = files, said or {}, list[str]()

    def digest(self, name: str) -> str:
        return self.said.get(name) or hashlib.sha256(self.files[name]).hexdigest()

    def about(self) -> bytes:
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": "0" * 40,
                **(
                    {"lfs": {"sha256": self.digest(name), "size": len(data), "pointerSize": 1}}
                    if len(data) > 999
                    else {}
                ),
            }
            for name, data in self.files.items()
        ]
        told = {"id": "owner/model", "sha": REVISION, "siblings": siblings, "cardData": {"license": "apache-2.0"}}
        return json.dumps(told | {"private": False, "tags": [], "downloads": 0, "likes": 0}).encode()


@contextmanager
def serving(hub: FakeHub) -> Iterator[str]:
    """The address of the hub while it is up."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(send=False)

        def do_GET(self) -> None:
            self.answer(send=True)

        def answer(self, *, send: bool) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            path, _, _ = self.path.partition("?")
            start = f"/owner/model/resolve/{REVISION}/"
            name = path.removeprefix(start)
            if path.startswith("/api/models/owner/model"):
                data, kind = hub.about(), "application/json"
            elif path.startswith(start) and name in hub.files:
                data, kind = hub.files[name], "application/octet-stream"
            else:
                data, kind = b'{"error": "Repository not found"}', ""
            self.send_response(200 if kind else 404)
            if not kind:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Type", kind or "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hub.digest(name) if name in hub.files else "about"}"')
            self.send_header("X-Repo-Commit", REVISION)
            self.end_headers()
            if send:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
