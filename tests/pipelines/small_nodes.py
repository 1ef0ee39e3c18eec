"""Small real nodes to run the engine with; the worker imports this module as it imports `nodes.registry`."""

import hashlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from assets.files import Files
from assets.values import (
    Clip,
    ClipSpec,
    Latent,
    LatentSpec,
    SavedFile,
    SavedFileSpec,
    Scalar,
    ScalarSpec,
    Text,
    TextSpec,
    Value,
    VideoVAE,
)
from assets.values.array import Array
from nodes.api import REGISTRY, FileName, GoesOn, Node, Range, Seed, SpecError, node, warn
from nodes.context import Cancelled, Context, Workflow


def library() -> dict[str, Node]:
    return {name: declared for name, declared in REGISTRY.items() if declared.fn.__module__ == __name__}


def words_spec(text: str) -> TextSpec:
    if "blurple" in text:
        warn("the word 'blurple' is unknown; it is left out")
    return TextSpec(text)


@node(version=2, category="test", spec=words_spec, label="Words")
def words(*, text: str = "red ball") -> Text:
    """A text by hand."""
    print("printed by a node, which must not disturb the pipe", flush=True)
    return Text(text)


def shout_spec(text: TextSpec, times: int) -> TextSpec:
    return TextSpec(None if text.text is None else text.text.upper() + "!" * times)


@node(version=1, category="test", spec=shout_spec)
def shout(text: Text, *, times: Annotated[int, Range(1, 5)] = 1) -> Text:
    """The text in capitals."""
    return Text(text.text.upper() + "!" * times)


def count_spec() -> ScalarSpec:
    return ScalarSpec(None)


@node(version=1, category="test", spec=count_spec)
def count_letters(text: Text) -> Scalar:
    """The number of letters: known only when it runs."""
    return Scalar(len(text.text))


def figure_spec(value: float) -> ScalarSpec:
    return ScalarSpec(value)


@node(version=1, category="test", spec=figure_spec)
def figure(*, value: float = 1.0) -> Scalar:
    """A number."""
    return Scalar(value)


def noise_spec(side: int) -> LatentSpec:
    return LatentSpec(1, 1, side, side, "test", 8.0)


@node(version=1, category="test", spec=noise_spec)
def noise(*, side: Annotated[int, Range(2, 64, 2)] = 4, seed: Annotated[int, Seed()] = 0) -> Latent:
    """Gaussian noise."""
    import torch

    return Latent(torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(seed)), "test", 8.0)


def refine_spec(latent: LatentSpec, steps: int) -> LatentSpec:
    return latent


@node(version=1, category="test", spec=refine_spec)
def refine(latent: Latent, *, ctx: Context, steps: Annotated[int, Range(1, 10**9)] = 3) -> Latent:
    """Halve a latent at each step."""
    data = latent.data
    for _ in ctx.steps(steps):
        data = data / 2
        ctx.preview(Latent(data, latent.space, latent.fps))
    return Latent(data, latent.space, latent.fps)


class Halves(NamedTuple):
    top: Latent
    bottom: Latent


def halve_spec(latent: LatentSpec) -> tuple[LatentSpec, LatentSpec]:
    if latent.height % 4:
        raise SpecError(f"Got a latent {latent.height} rows high; it needs a multiple of 4. Try {latent.height + 2}.")
    half = LatentSpec(1, 1, latent.height // 2, latent.width, latent.space, latent.fps)
    return half, half


@node(version=1, category="test", spec=halve_spec)
def halve(latent: Latent) -> Halves:
    """The upper and the lower half."""
    rows = latent.data.shape[2] // 2
    top, bottom = latent.data[:, :, :rows].clone(), latent.data[:, :, rows:].clone()
    return Halves(Latent(top, latent.space, latent.fps), Latent(bottom, latent.space, latent.fps))


def paint_spec(latent: LatentSpec, colour: str, over: ClipSpec | None = None) -> ClipSpec:
    return ClipSpec(latent.frames, latent.height, latent.width, latent.fps)


@node(version=1, category="test", spec=paint_spec)
def paint(latent: Latent, over: Clip | None = None, *, colour: Literal["red", "blue"] = "red") -> Clip:
    """A picture as large as the latent."""
    import numpy as np

    _, t, h, w = latent.data.shape
    frames = np.zeros((t, h, w, 3), np.uint8)
    frames[..., 0 if colour == "red" else 2] = 255
    return Clip(frames, latent.fps)


def save_text_spec(name: str, files: Files) -> SavedFileSpec:
    files.target(name)
    return SavedFileSpec(name)


@node(version=1, category="test", spec=save_text_spec)
def save_text(text: Text, *, name: Annotated[str, FileName("save", (".txt",))] = "a.txt", files: Files) -> SavedFile:
    """Write a text file."""
    data = text.text.encode()
    files.target(name).write_bytes(data)
    return SavedFile(name, hashlib.sha256(data).hexdigest())


@node(version=1, category="test", spec=save_text_spec)
def save_workflow(
    text: Text, *, name: Annotated[str, FileName("save", (".json",))] = "a.json", files: Files, workflow: Workflow
) -> SavedFile:
    """Write down what is run."""
    data = workflow.text.encode()
    files.target(name).write_bytes(data)
    return SavedFile(name, hashlib.sha256(data).hexdigest())


def load_text_spec(file: str, files: Files) -> TextSpec:
    files.find(file)
    return TextSpec(None)


def load_text_content(file: str, files: Files) -> str:
    return hashlib.sha256(files.find(file).read_bytes()).hexdigest()


@node(version=1, category="test", spec=load_text_spec, content=load_text_content)
def load_text(*, file: Annotated[str, FileName("open", (".txt",))] = "", files: Files) -> Text:
    """Read a text file."""
    return Text(files.find(file).read_text())


def weights_spec(file: str, files: Files) -> VideoVAE:
    path = files.find(file)
    return VideoVAE("test", str(path), hashlib.sha256(path.read_bytes()).hexdigest(), "test", 1, (4, 8, 8))


def weights_content(file: str, files: Files) -> str:
    return weights_spec(file, files).digest


@node(version=1, category="test", spec=weights_spec, content=weights_content)
def weights(*, file: Annotated[str, FileName("open", (".bin",))] = "", files: Files) -> VideoVAE:
    """A model handle."""
    return weights_spec(file, files)


@node(version=1, category="test", spec=lambda text: text)
def explode(text: Text) -> Text:
    """Fail as a fault in the code does."""
    return Text(str(1 // (len(text.text) * 0)))


@node(version=1, category="test", spec=lambda text: text)
def die(text: Text) -> Text:
    """End the whole process, as the out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)
    return text


@node(version=1, category="test", spec=lambda text: text)
def die_at_first(text: Text, *, times: Annotated[int, Range(1, 9)] = 1, files: Files) -> Text:
    """End the whole process so many times, then pass the text through."""
    deaths = files.target(f"deaths of {text.text}.txt")
    before = int(deaths.read_text()) if deaths.exists() else 0
    if before < times:
        deaths.write_text(str(before + 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return text


ATTEMPTS: Counter[str] = Counter()


@node(version=1, category="test", spec=lambda text: text)
def gulp(text: Text, *, ctx: Context, times: Annotated[int, Range(1, 9)] = 1) -> Text:
    """Ask for more memory than there is, so many times; then say how often it was tried, and make do."""
    import torch

    ATTEMPTS[text.text] += 1
    if ATTEMPTS[text.text] <= times:
        torch.empty(2**50, dtype=torch.uint8)
    ctx.makes_do("done with less")
    return Text(f"{text.text} {ATTEMPTS[text.text]}")


MEETING = threading.Barrier(2)


@node(version=1, category="test", spec=words_spec)
def meet(*, text: str = "") -> Text:
    """Wait for another node that waits like this, which only comes if the two are computed side by side."""
    MEETING.wait(60)
    return Text(text)


@node(version=1, category="test", spec=lambda text: text)
def climb(text: Text, *, ctx: Context, end: Literal["kill", "cancel", "fail"] = "kill") -> Text:
    """Add up the numbers of 50 steps, but end at step 37 the first time; says which step it went on from."""
    import numpy as np

    kept = ctx.kept()
    total: Any = kept[-1]["total"] if kept else np.zeros(1)
    ATTEMPTS[text.text] += 1
    for step in ctx.steps(50):
        if step < len(kept):
            continue
        if step == 37 and not kept and ATTEMPTS[text.text] == 1:
            if end == "cancel":
                raise Cancelled
            if end == "fail":
                raise ValueError("it slipped")
            os.kill(os.getpid(), signal.SIGKILL)
        total = total + step
        ctx.keep({"total": total})
    return Text(f"{int(total.sum())} from step {len(kept)}")


def squares_spec(far: int) -> LatentSpec:
    return LatentSpec(1, far or 9, 1, 1, "test", 8.0)


def rows_of(made: Mapping[str, Value]) -> list[dict[str, Array]]:
    latent = made["latent"]
    assert isinstance(latent, Latent)
    return [{"row": latent.data[:, number]} for number in range(latent.data.shape[1])]


@node(version=1, category="test", spec=squares_spec, goes_on=GoesOn("far", rows_of))
def squares(*, ctx: Context, far: Annotated[int, Range(0, 9)] = 0, seed: Annotated[int, Seed()] = 0) -> Latent:
    """The first squares, one a step, 9 where `far` is 0; each knows the one before."""
    import numpy as np

    rows = [np.asarray(one["row"]) for one in ctx.kept()][: far or 9]
    for number in ctx.steps(far or 9, len(rows)):
        before = rows[-1] if rows else np.full((1, 1, 1), float(seed), np.float32)
        rows.append((before + 2 * number + 1).astype(np.float32))
        ctx.keep({"row": rows[-1]})
    return Latent(np.stack(rows, axis=1), "test", 8.0)
