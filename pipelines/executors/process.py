"""The server's end of a worker process."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.executors.messages import Line

LOG_LINES = 400
CLOSE_SECONDS = 5


class WorkerProcess:
    """A worker that starts at once and warms up by itself.

    messages: what it says, in order; None when it is gone. on_exit: called once then, from a thread of its own; not
    called after `close`. death: the sentence why it is gone.
    """

    def __init__(self, setup: Mapping[str, Any], on_exit: Callable[["WorkerProcess"], None]) -> None:
        self.messages: queue.SimpleQueue[tuple[dict[str, Any], bytes] | None] = queue.SimpleQueue()
        self.gone = False
        self.death = ""
        self._warm = threading.Event()
        self._numerics: str | None = None
        self._on_exit = on_exit
        self._closing = False
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        # -P: a folder that holds a random.py, as artists' folders do, must not become part of Python.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipelines.executors.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(setup["threads"]),
        )
        assert self._process.stdin
        assert self._process.stdout
        self._line = Line(self._process.stdout, self._process.stdin)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._keep_log)]
        for thread in self._threads:
            thread.start()
        self.send(setup)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """The last lines that the worker wrote to stderr."""
        return "".join(self._log)

    @property
    def was_warm(self) -> bool:
        """Whether it ever got as far as its first word; one that does not will not the next time either."""
        return self._numerics is not None

    def numerics(self) -> str:
        """The numerics class of its device; waits until it is warm, RuntimeError if it never is."""
        self._warm.wait()
        if self._numerics is None:
            raise RuntimeError(f"the worker process did not start: {self.log.strip().rpartition(chr(10))[2]}")
        return self._numerics

    def send(self, message: Mapping[str, Any]) -> None:
        """Say something to the worker; if it is gone, `messages` tells."""
        with contextlib.suppress(OSError, ValueError):
            self._line.send(dict(message))

    def close(self) -> None:
        """End the worker, also in the middle of a node."""
        self._closing = True
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        while (received := self._line.receive()) is not None:
            if received[0]["say"] == "hello":
                self._numerics = received[0]["numerics"]
                self._warm.set()
            else:
                self.messages.put(received)
        code = self._process.wait()
        self._threads[1].join()
        self.death = self._why(code)
        self.gone = True
        self._warm.set()
        with contextlib.suppress(OSError):
            self._line.close()
        if not self._closing:
            self._on_exit(self)
        self.messages.put(None)

    def _keep_log(self) -> None:
        assert self._process.stderr
        with self._process.stderr as stream:
            for line in stream:
                self._log.append(line.decode(errors="replace"))

    def _why(self, code: int) -> str:
        if code == -signal.SIGKILL:
            return (
                "the worker process was killed (SIGKILL), perhaps for lack of memory; try a smaller size or run again"
            )
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
        last = self.log.strip().rpartition("\n")[2]
        return f"the worker process ended {how}{f' ({last})' if last else ''}; run again, and report it if it recurs"


def _environment(threads: int) -> dict[str, str]:
    """The worker sees the modules that this process sees, and nothing of the folder that it happens to stand in."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return environment | {"OMP_NUM_THREADS": str(threads)}
