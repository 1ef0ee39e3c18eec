"""A VAE's work in tiles: blended without a seam, and taken to only where memory is short."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bench import Bench
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import CHANNELS, SPACE, TinyModels
from torch import Tensor, nn

from assets.values import Clip, Latent
from nodes.models import load
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.nodes import decode_latent, decoded_chunks, encode_video
from nodes.video_vae.spans import SMALLEST, spans, weights

CELLS = 24


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(SMALLEST, 80), st.integers(1, 3))
def test_tiles_cover_a_side_and_what_overlaps_adds_up_to_one(length: int, side: int, scale: int) -> None:
    shares = np.zeros(length * scale)
    for span in spans(length, side):
        assert span.stop - span.start == min(side, length)
        shares[span.start * scale : span.stop * scale] += weights(span, scale)
    assert shares == pytest.approx(np.ones(length * scale))


@pytest.fixture
def latent() -> Latent:
    made = torch.randn(CHANNELS, 6, CELLS, CELLS - 4, generator=torch.Generator().manual_seed(0))
    return Latent(made, SPACE, 8.0)


def off(one: Clip, other: Clip) -> np.ndarray:
    """By how much two clips differ, (h w)."""
    difference = np.abs(one.frames.astype(int) - other.frames.astype(int))
    return difference.max(axis=(0, 3))


def test_tiles_are_whole_frames_but_for_where_they_meet(tiny: TinyModels, latent: Latent) -> None:
    whole = decode_latent(tiny.vae, latent, ctx=Bench())
    tiled = decode_latent(tiny.vae, latent, ctx=Bench(), lossy_tile=16 * 8)
    differs = off(whole, tiled)
    # Two tiles, of cells 0 to 15 and 8 to 23: a place that is as far from their edges as a layer looks is exact.
    assert differs[: 7 * 8, : 4 * 8].max() <= 1
    assert differs[17 * 8 :].max() <= 1
    assert differs.max() > 1
    assert differs.mean() < 4


def test_a_tile_larger_than_the_frame_is_the_whole(tiny: TinyModels, latent: Latent) -> None:
    whole, tiled = (decode_latent(tiny.vae, latent, ctx=Bench(), lossy_tile=side) for side in (0, 2048))
    assert off(whole, tiled).max() <= 1


def test_encoding_in_tiles_differs_only_where_they_meet(tiny: TinyModels) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 8 * CELLS, 64, 3), dtype=np.uint8)
    whole, tiled = (
        torch.as_tensor(encode_video(tiny.vae, Clip(frames, 8.0), ctx=Bench(), lossy_tile=side).data)
        for side in (0, 16 * 8)
    )
    assert torch.allclose(whole[:, :, :8], tiled[:, :, :8], atol=1e-5)
    assert torch.allclose(whole[:, :, 16:], tiled[:, :, 16:], atol=1e-5)
    assert not torch.equal(whole, tiled)


def room_for(module: nn.Module, cells: int) -> list[int]:
    """Let a module find memory for sides of so many cells and no more; the longer side of each call."""
    seen: list[int] = []

    def before(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        seen.append(max(arguments[0].shape[-2:]))
        if seen[-1] > cells:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    module.register_forward_pre_hook(before)
    return seen


class Short(Bench):
    """A context whose VAE has memory for so many cells a side."""

    def __init__(self, vae: nn.Module, short_of_memory: bool = False) -> None:
        super().__init__(short_of_memory=short_of_memory)
        self.vae = vae

    def model(self, handle: object) -> nn.Module:
        return self.vae


@pytest.fixture
def module(tiny: TinyModels) -> VideoVAE:
    made: VideoVAE = load(tiny.vae)
    return made


def test_where_whole_frames_find_no_memory_smaller_and_smaller_tiles_are_tried_and_it_is_said(
    tiny: TinyModels, module: VideoVAE, latent: Latent
) -> None:
    seen, ctx = room_for(module.decoder, 12), Short(module, short_of_memory=True)
    made = decode_latent(tiny.vae, latent, ctx=ctx)
    assert set(seen) == {CELLS, 12}
    assert "memory for whole frames: done in blended tiles of 12 latent cells (lossy)" in ctx.notes[0]
    assert np.array_equal(made.frames, decode_latent(tiny.vae, latent, ctx=Bench(), lossy_tile=12 * 8).frames)


def test_nothing_is_lost_while_memory_can_still_be_made_free(
    tiny: TinyModels, module: VideoVAE, latent: Latent
) -> None:
    room_for(module.decoder, 12)
    with pytest.raises(torch.OutOfMemoryError):
        decode_latent(tiny.vae, latent, ctx=Short(module))


def test_what_the_smallest_tiles_find_no_memory_for_is_raised(
    tiny: TinyModels, module: VideoVAE, latent: Latent
) -> None:
    ctx = Short(module, short_of_memory=True)
    room_for(module.decoder, SMALLEST - 1)
    with pytest.raises(torch.OutOfMemoryError):
        decode_latent(tiny.vae, latent, ctx=ctx)
    assert len(ctx.notes) == 1


def test_frames_that_were_made_before_memory_ran_out_are_not_made_again(
    tiny: TinyModels, module: VideoVAE, latent: Latent
) -> None:
    whole = decode_latent(tiny.vae, latent, ctx=Bench())
    ctx = Short(module, short_of_memory=True)
    stream = decoded_chunks(tiny.vae, latent, ctx)
    parts = [next(stream)]
    room_for(module.decoder, 12)
    frames = np.concatenate([*parts, *stream])
    assert frames.shape == whole.frames.shape
    assert np.array_equal(frames[: len(parts[0])], whole.frames[: len(parts[0])])
    assert "from the middle of the clip on" in ctx.notes[0]


def test_a_clip_that_finds_no_memory_is_encoded_in_tiles(tiny: TinyModels, module: VideoVAE) -> None:
    ctx = Short(module, short_of_memory=True)
    room_for(module.encoder, 12 * 8)
    clip = Clip(np.zeros((5, 8 * CELLS, 64, 3), np.uint8), 8.0)
    made = encode_video(tiny.vae, clip, ctx=ctx)
    assert made.data.shape == (CHANNELS, 2, CELLS, 8)
    assert ctx.notes
