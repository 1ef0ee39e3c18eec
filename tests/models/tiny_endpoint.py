"""An OpenAI-style endpoint on this machine: its models are "known", which answers, and "silent", which says nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANSWER = " A large red ball bounces. "
Asked = list[dict[str, Any]]


@contextmanager
def serving(models: Path) -> Iterator[Asked]:
    """Names it "local" in the models folder; what it was asked comes in as it is asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, "key": self.headers["Authorization"], **told})
            known = told["model"] in ("known", "silent")
            content = ANSWER if told["model"] == "known" else None
            answer = {"choices": [{"message": {"content": content}}]} if known else {"error": "?"}
            data = json.dumps(answer).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    named = {"local": {"url": f"http://127.0.0.1:{server.server_port}/v1/", "key": "MY_KEY"}}
    (models / "endpoints.json").write_text(json.dumps(named))
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
