"""A started server, for the tests that talk to one over HTTP, over a WebSocket or through a browser."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Imports take longer than all that a server does before it answers: they are done once, and each server is forked off.
START = """
import json, os, signal, sys
from dataclasses import replace
from pathlib import Path
from app import settings
from app.server import serve
from nodes.registry import library

library()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    asked = json.loads(line)
    if server := os.fork():
        print(server, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    workflow = asked["workflow"] and Path(asked["workflow"])
    serve(replace(settings.load(Path(asked["home"])), port=asked["port"]), False, workflow)
    os._exit(0)
os.killpg(0, signal.SIGTERM)  # who asked for servers is gone, perhaps without a word
"""


class Process:
    """A server that is a child of another process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._file = os.pidfd_open(pid)

    def wait(self, timeout: float | None = None) -> None:
        """Until it has ended; TimeoutError after `timeout` seconds."""
        if not select.select([self._file], [], [], timeout)[0]:
            raise TimeoutError(f"the server has not ended within {timeout:g} s")

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def close(self) -> None:
        os.close(self._file)

    def _send(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._file, what)


@dataclass(frozen=True)
class Served:
    port: int
    home: Path
    process: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@cache
def starter() -> subprocess.Popen[str]:
    """What forks off servers; it ends with this process."""
    # NiceGUI takes PYTEST_CURRENT_TEST for its own test mode.
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    environment |= {"OMP_NUM_THREADS": "2"}
    return subprocess.Popen(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def start(home: Path, port: int, log: Path, workflow: Path | None) -> Process:
    asked = {"home": str(home), "port": port, "log": str(log), "workflow": workflow and str(workflow)}
    stdin, stdout = starter().stdin, starter().stdout
    assert stdin
    assert stdout
    stdin.write(json.dumps(asked) + "\n")
    stdin.flush()
    return Process(int(stdout.readline()))


@contextmanager
def served(
    home: Path, workflow: Path | None = None, log: Path | None = None, port: int | None = None
) -> Iterator[Served]:
    """Start the server on `port` (or a free one) in the workspace `home`, wait until it answers, stop it at the end."""
    port, said = port or free_port(), log or home / "server.log"
    process = start(home, port, said, workflow)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/nodes", timeout=5).close()
                break
            except (urllib.error.URLError, TimeoutError):
                try:
                    process.wait(timeout=0.05)
                except TimeoutError:
                    continue
                raise AssertionError(f"the server ended at once:\n{said.read_text()}") from None
        yield Served(port, home, process)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except TimeoutError:
            process.kill()
            process.wait()
        process.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
