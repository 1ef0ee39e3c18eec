"""A started server, for the tests that talk to one over HTTP, over a WebSocket or through a browser."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
START = """
import sys
from dataclasses import replace
from pathlib import Path
from app import settings
from app.server import serve
serve(replace(settings.load(), port=int(sys.argv[1])), False, Path(sys.argv[2]) if len(sys.argv) > 2 else None)
"""


@dataclass(frozen=True)
class Served:
    port: int
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(
    home: Path, workflow: Path | None = None, log: Path | None = None, port: int | None = None
) -> Iterator[Served]:
    """Start the server on `port` (or a free one) in the workspace `home`, wait until it answers, stop it at the end."""
    port = port or free_port()
    # NiceGUI takes PYTEST_CURRENT_TEST for its own test mode.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    environment |= {"PATCHLOOM_HOME": str(home), "OMP_NUM_THREADS": "2"}
    said = log or home / "server.log"
    command = [sys.executable, "-c", START, str(port), *([str(workflow)] if workflow else [])]
    with said.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/nodes", timeout=5).close()
                break
            except (urllib.error.URLError, TimeoutError):
                try:
                    process.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    continue
                raise AssertionError(f"the server ended at once:\n{said.read_text()}") from None
        yield Served(port, home, process)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
