"""Views: every value can be looked at, of numpy arrays as of torch tensors, without torch."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assets.images import LABEL_HEIGHT
from assets.media import read_clip
from assets.values import Clip, Conditioning, Latent, Mask, Patches, Scalar, Text, Trajectory, Value
from nodes.preview.colours import colours
from nodes.preview.views import View, view

RNG = np.random.default_rng(0)
GRID, PATCH = (2, 1, 2), (1, 2, 2)


def numbers(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def patches(noise: list[float], grids: Any = (GRID,)) -> Patches:
    return Patches(numbers(len(noise), 16), np.array(noise, np.float32), grids, PATCH, "none", 8.0)


VALUES: list[tuple[Value, str]] = [
    (Text("a red ball 🎈"), "text/plain"),
    (Scalar(3), "text/plain"),
    (Clip(np.zeros((5, 16, 24, 3), np.uint8), 8.0), "video/mp4"),
    (Clip(np.zeros((1, 16, 24, 3), np.uint8), 8.0), "image/png"),
    (Mask(np.ones((5, 16, 24), np.float32)), "image/webp"),
    (Latent(numbers(4, 2, 2, 4), "none", 8.0), "image/webp"),
    (Latent(numbers(4, 1, 2, 4), "none", 8.0), "image/png"),
    (patches([0, 0, 1, 1]), "image/webp"),
    (patches([0, 0, 1, 1, 0.5], (GRID, (1, 1, 1))), "image/webp"),
    (Conditioning(numbers(2, 8), ("red", "ball"), numbers(1, 8), "e"), "text/plain"),
    (
        Trajectory(
            numbers(13, 4, 16),
            numbers(12, 4, 16),
            numbers(13),
            np.ones(4),
            numbers(4, 16),
            "euler",
            (GRID,),
            PATCH,
            "none",
            8.0,
        ),
        "image/webp",
    ),
]


@pytest.mark.parametrize(("value", "media_type"), VALUES, ids=lambda value: type(value).__name__)
def test_every_value_has_a_view(value: Value, media_type: str, tmp_path: Path) -> None:
    made = view(value)
    assert made.media_type.startswith(media_type)
    assert made.caption or isinstance(value, Scalar)  # a number says it all
    if media_type != "text/plain":
        seen(made, tmp_path)


def test_tokens_are_shown_with_the_attention_that_they_have_where_it_is_known() -> None:
    told = Conditioning(numbers(2, 8), ("red", "ball"), numbers(1, 8), "e", attention=(0.75, 0.25))
    assert view(told).tokens == (("red", 0.75), ("ball", 0.25))
    assert view(replace(told, attention=())).tokens == ()
    assert view(told).data == view(replace(told, attention=())).data


@pytest.mark.parametrize(("value", "media_type"), VALUES, ids=lambda value: type(value).__name__)
def test_tensors_look_like_the_same_arrays(value: Value, media_type: str) -> None:
    assert view(as_torch(value)) == view(value)


def test_what_is_to_be_made_looks_unlike_what_is_given(tmp_path: Path) -> None:
    all_given = patches([0, 0, 0, 0])
    one_made = replace(all_given, noise=np.array([0, 1, 0, 0], np.float32))
    given, made = (seen(view(value), tmp_path) for value in (all_given, one_made))
    half = given.shape[2] // 2
    difference = np.abs(given[0].astype(int) - made[0]).mean(axis=(0, 2))
    assert difference[half + 8 :].mean() > 4 * difference[: half - 8].mean()


def test_the_trajectory_strip_shows_eight_of_many_steps(tmp_path: Path) -> None:
    strip = VALUES[-1][0]
    frames = seen(view(strip), tmp_path)
    assert frames.shape[1:3] == (96 + LABEL_HEIGHT, 8 * 192)


def test_the_colours_of_a_latent_are_those_of_the_clip_that_it_stands_for() -> None:
    from bench import Bench

    from assets.values import VideoVAE
    from nodes.models.handles import builtin
    from nodes.video_vae.nodes import encode_video

    frames = np.zeros((1, 64, 64, 3), np.uint8)
    frames[:, :, :32], frames[:, :, 32:] = (200, 20, 20), (20, 40, 220)
    latent = encode_video(builtin(VideoVAE), Clip(frames, 8.0), ctx=Bench())
    seen_colours = colours(latent)[0].astype(int)
    assert seen_colours.shape == (32, 32, 3)
    for columns, colour in ((slice(4, 12), (200, 20, 20)), (slice(20, 28), (20, 40, 220))):
        assert np.abs(seen_colours[8:24, columns].mean(axis=(0, 1)) - colour).max() < 40


def test_drawing_brings_no_torch_in() -> None:
    code = (
        "import sys, numpy; from assets.values import Latent; from nodes.preview.views import view;"
        "view(Latent(numpy.zeros((8, 2, 4, 4), 'float32'), 'patchloom-v2', 8.0)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0


def seen(made: View, folder: Path) -> np.ndarray[Any, Any]:
    path = folder / f"seen.{made.media_type.split('/')[1]}"
    path.write_bytes(made.data)
    return read_clip(path).frames


def as_torch(value: Value) -> Value:
    import dataclasses

    import torch

    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Clip):
        return value
    return type(value)(
        **{name: torch.from_numpy(part) if isinstance(part, np.ndarray) else part for name, part in fields.items()}
    )
