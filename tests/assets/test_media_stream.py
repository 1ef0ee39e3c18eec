"""Writing frames that arrive one after the other: the same file, and never many of them in memory."""

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from synthetic import waves

from assets.media import encode_clip, write_clip, write_frames
from assets.values import Clip, ClipSpec

CLIP = Clip(waves(60, 32, 48), 8.0)


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif", "webp"])
def test_frames_that_arrive_one_by_one_give_the_same_file_as_the_whole_clip(workspace: Path, ending: str) -> None:
    path = workspace / f"clip.{ending}"
    write_frames(iter(CLIP.frames), CLIP.spec, path)
    assert path.read_bytes() == encode_clip(CLIP, ending, quality=90)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_an_image_is_the_first_frame_that_arrives(workspace: Path, ending: str) -> None:
    path = workspace / f"image.{ending}"
    write_frames(iter(CLIP.frames), ClipSpec(1, 32, 48, 8.0), path)
    assert path.read_bytes() == encode_clip(Clip(CLIP.frames[:1], 8.0), ending, quality=90)


@pytest.mark.parametrize("ending", ["mp4", "webm", "webp"])
def test_a_frame_is_let_go_once_it_is_encoded(workspace: Path, ending: str) -> None:
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0

    class Frame(np.ndarray[Any, Any]):
        __hash__ = object.__hash__

    def arriving() -> Iterator[npt.NDArray[Any]]:
        nonlocal most
        for frame in CLIP.frames:
            made = frame.copy().view(Frame)
            alive.add(made)
            most = max(most, len(alive))
            yield made

    write_frames(arriving(), CLIP.spec, workspace / f"clip.{ending}")
    assert 1 <= most <= 3


def test_a_stream_that_breaks_off_leaves_the_old_file_and_no_other(workspace: Path) -> None:
    path = workspace / "outputs" / "clip.mp4"
    write_clip(CLIP, path)
    before = path.read_bytes()

    def breaking() -> Iterator[npt.NDArray[Any]]:
        yield from CLIP.frames[:30]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_frames(breaking(), CLIP.spec, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
