"""The worker process: torch, models and recent values stay warm in it, and the server outlives it.

Started as `python -m pipelines.executors.worker`, it talks over stdin and stdout (see `messages`); whatever nodes print
goes to stderr. It ends when the server's end of the pipe is gone, so that no worker is ever left behind.
"""

import importlib
import os
import platform
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from assets.codec import Encoded, encoded
from assets.digests import FILE as DIGESTS
from assets.digests import digests
from assets.files import Files
from assets.store import BlobMissing, Made, Store
from assets.values import Clip, DiT, Latent, ModelHandle, Patches, Value, VideoVAE
from assets.values.array import Array
from nodes.api import Meeting, Node, Seat
from nodes.context import Cancelled
from nodes.preview.learned import COLOURS, colour_maps
from nodes.preview.left import LEFT, pictures
from nodes.preview.tiny import tiny_decoders
from pipelines.executors.compute import InputsMissing, compute, failure
from pipelines.executors.keeper import Keeper
from pipelines.executors.lanes import LANES, PARTY, Lanes, Task
from pipelines.executors.memory import PeakMemory, give_back
from pipelines.executors.messages import Line
from pipelines.executors.models import Models
from pipelines.executors.needs import model_inputs, needs_alone
from pipelines.executors.resident import RecentValues
from pipelines.executors.run_context import RunContext
from pipelines.keys import numerics_class
from pipelines.work_memory import WorkMemory

NOTHING: Mapping[str, Any] = {}


def main() -> None:
    """Set up as the first message says, say hello, then do tasks until the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Line(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    first = line.receive()
    if first is None:
        return
    setup = first[0]
    worker = Worker(line, setup)
    for take in (*[worker.lanes.take] * LANES, *[worker.lanes.join] * (PARTY - 1)):
        threading.Thread(target=worker.work, args=[take], daemon=True).start()
    line.send({"say": "hello", "numerics": numerics_class(architecture(setup["device"]))})
    threading.Thread(target=worker.warm_up, daemon=True).start()
    worker.listen()
    os._exit(0)


class Worker:
    def __init__(self, line: Line, setup: Mapping[str, Any]) -> None:
        self.line = line
        self.device: str = setup["device"]
        self.store = Store(Path(setup["store"]))
        inputs, models = (tuple(map(Path, setup[name])) for name in ("inputs", "models"))
        self.files = Files(inputs, Path(setup["outputs"]), models)
        if models:
            digests.keep_in(models[0] / DIGESTS)
        os.environ["HF_HUB_OFFLINE"] = "1"  # no library that loads models is to ask a hub for anything
        self.library: dict[str, Node] = importlib.import_module(setup["nodes"]).library()
        self.values = RecentValues(setup["ram_bytes"])
        colour_maps.keep_in(self.store.folder / COLOURS)
        pictures.keep_in(self.store.folder / LEFT)
        tiny_decoders.look_in(self.files.model_folders, self.device)
        self.models = Models(self.device)
        self.work_memory = WorkMemory(self.store.folder, self.device)
        self.keeper = Keeper(self.store)
        self.lanes = Lanes()
        self.meetings: WeakValueDictionary[str, Meeting] = WeakValueDictionary()
        self.meetings_lock = threading.Lock()
        self.cancelled: set[int] = set()

    def warm_up(self) -> None:
        """Import what takes seconds before the first node wants it; those that don't want it need not wait."""
        if any(map(model_inputs, self.library.values())):
            importlib.import_module("torch")

    def listen(self) -> None:
        """Take messages while nodes run, until the server is gone."""
        while (received := self.line.receive()) is not None:
            message, _ = received
            match message["do"]:
                case "run":
                    self.lanes.put(message, needs_alone(self.library[message["type"]]), self._party(message))
                case "prefetch":
                    self._prefetch(message["handles"])
                case "bound":
                    self.values.bound(message["ram_bytes"])
                case "cancel":
                    self.cancelled.update(message["tasks"])

    def work(self, take: Callable[[], Task]) -> None:
        """One lane: do one task after the other. A lane that fails takes the process with it, which the server sees."""
        try:
            while True:
                self.perform(take())
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    def perform(self, task: Task) -> None:
        """Compute one node and say how it went.

        begun first; then made, and kept when it is on disk; or failed, cancelled, or missing (stored inputs that are
        damaged).
        """
        node, started = self.library[task["type"]], time.perf_counter()
        steps, seat, inputs = self.store.partial(task["key"]), self._seat(task), dict[str, Value]()

        def say(what: str, details: Mapping[str, Any] = NOTHING, data: bytes = b"") -> None:
            self.line.send({"say": what, "task": task["task"], **details}, data)

        def answer(trouble: Exception | None) -> None:
            if trouble:
                say("failed", failure(trouble))
            else:
                steps.delete()
                say("kept")

        context = RunContext(
            self.device,
            self.models,
            steps,
            is_cancelled=lambda: task["task"] in self.cancelled,
            say=say,
            earlier=lambda: self._earlier(node, task["earlier"]),
            seat=seat,
            work=lambda handle: self.work_memory.foreseen(node, handle, _arguments(task, inputs)),
        )
        models_before, compiling_before = self.models.bytes, self.models.seconds_compiling()
        try:
            context.stop_if_cancelled()
            say("begun")
            if model_inputs(node):  # the others are over in the time that this takes
                give_back()
            with PeakMemory(self.device) as memory, self.models.using() if model_inputs(node) else nullcontext():
                inputs |= self._inputs(task["inputs"])
                values = compute(node, task, inputs, self.files, context, self._make_room)
            _learn_colours([*inputs.values(), *values.values()])
            self._leave(task, seat)
            blobs = {name: self._hold(value) for name, value in values.items()}
            _leave_pictures({blobs[name].digest: value for name, value in values.items()})
        except Cancelled:
            say("cancelled")
        except InputsMissing as missing:
            say("missing", {"inputs": missing.names})
        except Exception as error:
            traceback.print_exc()
            steps.delete()
            say("failed", failure(error))
        else:
            compiling = self.models.seconds_compiling() - compiling_before
            seconds = time.perf_counter() - started - compiling - (seat.others_seconds if seat else 0)
            ways = {"together": seat is not None and seat.shared, "short of memory": bool(context.note)}
            device = ", ".join([self.device, *(way for way, taken in ways.items() if taken)])
            self._learn(node, task, inputs, seconds, memory.grown - self.models.bytes + models_before)
            made = Made(task["key"], node.type, blobs, seconds, device, memory.peak)
            outputs = {name: blob.digest for name, blob in blobs.items()}
            specs = {name: str(value.spec) for name, value in values.items()}
            cost = {"seconds": made.seconds, "peak_bytes": made.peak_bytes, "note": context.note}
            compiled = f"compiling the model took {compiling:.0f} s, the next run does without" if compiling else None
            cost["memory"] = "; ".join(filter(None, [context.how, compiled])) or None
            say("made", {"outputs": outputs, "specs": specs, "memory": self._memory(), **cost, **context.reused})
            self.keeper.keep(made, answer)
        finally:
            self._leave(task, seat)

    def _learn(self, node: Node, task: Task, inputs: Mapping[str, Value], seconds: float, peak_bytes: int) -> None:
        """Remember what the work took beside the model. A disk that is full costs that, not the result."""
        with suppress(sqlite3.Error):
            for name in model_inputs(node):
                if isinstance(handle := inputs.get(name), DiT):
                    self.work_memory.learn(node, handle, _arguments(task, inputs), seconds, peak_bytes)

    def _party(self, task: Task) -> str | None:
        """What the task may share with others that name the same, where that is faster: the digest of a model."""
        node = self.library[task["type"]]
        with suppress(InputsMissing, OSError):
            if node.together:
                specs = {name: value.spec for name, value in self._inputs(task["inputs"]).items()}
                if node.together.pays(self.device, specs, task["widgets"]):
                    return str(task["inputs"][node.together.model])
        return None

    def _seat(self, task: Task) -> Seat | None:
        """A place where the others of the task's party are, if it is of one."""
        party, together = self.lanes.party(task), self.library[task["type"]].together
        if party is None or together is None:
            return None
        with self.meetings_lock:
            meeting = self.meetings.get(party) or together.meeting()
            self.meetings[party] = meeting
            return meeting.seat()

    def _leave(self, task: Task, seat: Seat | None) -> None:
        """Nobody waits for the task any longer."""
        if seat:
            seat.leave()
        self.lanes.give_back(task)

    def _hold(self, value: Value) -> Encoded:
        blob = encoded(value)
        self.values.put(blob.digest, value)
        return blob

    def _prefetch(self, handles: list[str]) -> None:
        for digest in handles:
            with suppress(BlobMissing):
                handle = self.values.get(digest) or self.store.get(digest)
                assert isinstance(handle, ModelHandle)
                self.models.prefetch(handle)

    def _earlier(self, node: Node, outputs: Mapping[str, str]) -> list[dict[str, Array]]:
        """The steps that a result of the node began with which went another way; none where it is gone."""
        with suppress(InputsMissing):
            if node.goes_on and outputs:
                return node.goes_on.steps(self._inputs(outputs))
        return []

    def _memory(self) -> dict[str, dict[str, int]]:
        """What is resident, and may be at most, in bytes."""
        held: dict[str, RecentValues | Models] = {"values": self.values, "models": self.models}
        return {name: {"bytes": each.bytes, "budget": each.budget} for name, each in held.items()}

    def _make_room(self) -> None:
        self.values.clear()
        self.models.free()

    def _inputs(self, digests: Mapping[str, str]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        missing: list[str] = []
        for name, digest in digests.items():
            value = self.values.get(digest)
            try:
                values[name] = value if value is not None else self.store.get(digest, "torch")
            except BlobMissing:
                missing.append(name)
            else:
                self.values.put(digest, values[name])
        if missing:
            raise InputsMissing(missing)
        return values


def _arguments(task: Task, inputs: Mapping[str, Value]) -> dict[str, Any]:
    return {**task["widgets"], **{name: value.spec for name, value in inputs.items()}}


def _learn_colours(values: Sequence[Value]) -> None:
    """Where a VAE made frames of a latent, or a latent of frames, learn what colours the latent has."""
    match sorted((value for value in values if isinstance(value, Clip | Latent | VideoVAE)), key=_type):
        case [Clip() as clip, Latent() as latent, VideoVAE() as vae]:
            with suppress(OSError):  # a full disk costs colours in previews, not the result
                colour_maps.learn(vae, latent, clip)


def _leave_pictures(values: Mapping[str, Value]) -> None:
    """What is drawn by a tiny decoder is drawn here, where torch is; the server shows it."""
    for digest, value in values.items():
        if isinstance(value, Latent | Patches) and not _all_noise(value) and tiny_decoders.of(value.space):
            try:
                pictures.leave(digest, importlib.import_module("nodes.preview.views").view(value))
            except Exception:
                traceback.print_exc()  # the server draws it by the linear map


def _all_noise(value: Latent | Patches) -> bool:
    noise: Any = value.noise if isinstance(value, Patches) else None  # of numpy or of torch
    return noise is not None and float(noise.min()) == 1


def _type(value: Value) -> str:
    return type(value).__name__


def architecture(device: str) -> str:
    """What the last bits of a result depend on, e.g. "x86_64" or "sm_90"."""
    if not device.startswith("cuda"):
        return platform.machine()
    import torch

    return "sm_{}{}".format(*torch.cuda.get_device_capability(device))


if __name__ == "__main__":
    main()
