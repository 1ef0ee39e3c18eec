"""One crash: a run is killed at a point that the seed says, goes on or is begun again, and is looked at."""

import json
import os
import random
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.store import Store
from benchmarks.crash.graph import expected, graph
from benchmarks.crash.nodes import NOTES

ROOT = Path(__file__).parent.parent.parent
SECONDS = 900


@dataclass(frozen=True)
class Crash:
    """moment: how many lines the server says before. victim: who is killed: "worker" or "server"."""

    moment: int
    victim: str


NO_CRASH = Crash(-1, "nobody")


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
    said = serve(folder, seed, planned)
    done = {line["node"] for line in said[: planned.moment] if line["kind"] == "done"}
    if planned.victim == "server":
        await_end(said[-1]["worker"])
        done |= stored(folder, right)
        said = serve(folder, seed)
    notes = Counter((folder / "notes").read_text().split())
    twice = [node for node in done if notes[f"{seed}.{node}"] > 1]
    return [*faults(folder, said, right), *(f"{node} was finished and ran again" for node in twice)]


def faults(folder: Path, said: Sequence[dict[str, Any]], right: dict[str, str]) -> Iterator[str]:
    """What is wrong with the results. said: by the server, in order. right: digests by node."""
    # Of a worker that was killed when all was done the server may hear after it has said how the run ended.
    ended = next((line for line in said if line["kind"] == "summary"), None)
    if ended is None:
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


def serve(folder: Path, seed: int, crash: Crash = NO_CRASH) -> list[dict[str, Any]]:
    """All that a server process says until it ends. crash: the kill that it makes.

    It makes it itself: on a busy machine a reader of its lines may come to the moment when the run is over.
    """
    environment = {**os.environ, NOTES: str(folder / "notes"), "PYTHONPATH": str(ROOT)}
    arguments = map(str, (folder, seed, crash.moment, crash.victim))
    command = [sys.executable, "-m", "benchmarks.crash.server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            told, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            told, _ = process.communicate()
    # The last words of a killed process may be cut short.
    return [json.loads(line) for line in told.splitlines(keepends=True) if line.endswith("\n")]


def await_end(worker: int) -> None:
    """Wait for the worker of a server that is gone to end by itself."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(worker)
        ended, _, _ = select.select([handle], [], [], SECONDS)
        os.close(handle)
        assert ended, "the worker outlived its server"
