"""One crash: a run is killed at a point that the seed says, goes on or is begun again, and is looked at."""

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.store import Store
from benchmarks.crash.graph import expected, graph
from benchmarks.crash.nodes import NOTES

ROOT = Path(__file__).parent.parent.parent
SECONDS = 300


@dataclass(frozen=True)
class Crash:
    """moment: how many lines the server says before. victim: who is killed."""

    moment: int
    victim: str


def plan(seed: int) -> Crash:
    """The crash that a seed stands for."""
    chance = random.Random(seed)
    return Crash(chance.randrange(2 * len(graph(seed).nodes)), chance.choice(["worker", "server"]))


def crash(folder: Path, seed: int) -> list[str]:
    """What went wrong in a run that was killed once, in sentences; nothing, if it is as it should be.

    folder: where its store is made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    planned, right = plan(seed), expected(graph(seed))
    ended: dict[str, Any] = {}
    done: set[str] = set()
    with server(folder, seed) as process:
        for number, said in enumerate(lines(process)):
            ended = said
            if number == planned.moment:
                kill(process, planned.victim, said["worker"])
            elif number < planned.moment and said["kind"] == "done":
                done.add(said["node"])
    if planned.victim == "server":
        done |= stored(folder, right)
        with server(folder, seed) as process:
            ended = list(lines(process))[-1]
    notes = Counter((folder / "notes").read_text().split())
    twice = [node for node in done if notes[f"{seed}.{node}"] > 1]
    return [*faults(folder, ended, right), *(f"{node} was finished and ran again" for node in twice)]


def faults(folder: Path, ended: dict[str, Any], right: dict[str, str]) -> Iterator[str]:
    """What is wrong with the results. ended: what the server said last. right: digests by node."""
    if ended["kind"] != "summary":
        yield "the run did not end"
        return
    yield from (f"{node} failed: {sentence}" for node, sentence in ended["failed"].items())
    made = {node: digest for node, outputs in ended["outputs"].items() for digest in outputs.values()}
    yield from (f"{node} has a wrong result" for node in right if made.get(node) != right[node])
    store = Store(folder / "store")
    yield from (f"the blob {digest} is corrupt" for digest in store.verify())
    store.close()


def stored(folder: Path, right: dict[str, str]) -> set[str]:
    """The nodes whose results the store has."""
    store = Store(folder / "store")
    digests = {digest for action in store.entries() for digest in action.outputs.values()}
    store.close()
    return {node for node, digest in right.items() if digest in digests}


@contextmanager
def server(folder: Path, seed: int) -> Iterator[subprocess.Popen[str]]:
    """A server process, and no trace of it after."""
    environment = {**os.environ, NOTES: str(folder / "notes"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks.crash.server", str(folder), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            yield process
            process.wait(SECONDS)
        finally:
            process.kill()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout
    for line in process.stdout:
        if line.endswith("\n"):  # the last words of a killed process may be cut short
            yield json.loads(line)


def kill(process: subprocess.Popen[str], victim: str, worker: int) -> None:
    """Kill the worker, or the server and wait for its worker to end by itself."""
    if victim == "worker":
        os.kill(worker, signal.SIGKILL)
        return
    handle = os.pidfd_open(worker)
    process.kill()
    ended, _, _ = select.select([handle], [], [], SECONDS)
    os.close(handle)
    assert ended, "the worker outlived its server"
