"""The video VAE: shapes, causality, streaming, its weights file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from nodes.video_vae.config import VideoVAEConfig
from nodes.video_vae.export import cell_colours, fit_statistics
from nodes.video_vae.model import VideoVAE, load, save
from nodes.weights_file import WeightsError

TINY = VideoVAEConfig(
    latent_channels=4,
    encoder_widths=(8, 8),
    encoder_blocks=(1, 2),
    decoder_widths=(8, 8, 8),
    decoder_blocks=(1, 2, 2),
)


@pytest.fixture
def vae() -> VideoVAE:
    """Random in every weight, also in those that start at zero, and with statistics unlike zero and one."""
    torch.manual_seed(0)
    model = VideoVAE(TINY).eval().requires_grad_(False)
    for weight in model.parameters():
        weight.add_(0.05 * torch.randn_like(weight))
    model.mean.uniform_(-1, 1)
    model.std.uniform_(0.5, 2)
    return model


def clip(frames: int, height: int = 16, width: int = 24, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, 3, frames, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize("frames", [1, 5, 17])
def test_four_frames_and_eight_pixels_make_one_latent_place(vae: VideoVAE, frames: int) -> None:
    latent = vae.encode(clip(frames))
    assert latent.shape == (2, 4, 1 + (frames - 1) // 4, 2, 3)
    assert vae.decode(latent).shape == clip(frames).shape


def test_an_image_is_a_clip_of_one_frame(vae: VideoVAE) -> None:
    video = clip(9)
    assert torch.allclose(vae.encode(video)[:, :, :1], vae.encode(video[:, :, :1]), atol=1e-5)
    latent = vae.encode(video)
    assert torch.allclose(vae.decode(latent)[:, :, :1], vae.decode(latent[:, :, :1]), atol=1e-5)


def test_no_frame_depends_on_a_later_one(vae: VideoVAE) -> None:
    video = clip(17)
    changed = video.clone()
    changed[:, :, 9:] = 0
    assert torch.allclose(vae.encode(video)[:, :, :3], vae.encode(changed)[:, :, :3], atol=1e-6)
    latent = vae.encode(video)
    cut = latent.clone()
    cut[:, :, 3:] = 0
    assert torch.allclose(vae.decode(latent)[:, :, :9], vae.decode(cut)[:, :, :9], atol=1e-6)
    assert not torch.allclose(vae.decode(latent)[:, :, 9:], vae.decode(cut)[:, :, 9:], atol=1e-3)


def test_later_frames_remember_earlier_ones(vae: VideoVAE) -> None:
    latent = vae.encode(clip(9))
    changed = latent.clone()
    changed[:, :, 0] += 1
    assert not torch.allclose(vae.decode(latent)[:, :, 1:5], vae.decode(changed)[:, :, 1:5], atol=1e-4)


@pytest.mark.parametrize("chunks", [(1, 4), (2, 1, 2), (1, 1, 1, 1, 1), (5,)])
def test_decoding_in_chunks_equals_decoding_at_once(vae: VideoVAE, chunks: tuple[int, ...]) -> None:
    latent = vae.encode(clip(17))
    streamed = torch.cat(list(vae.decode_chunks(latent.split(list(chunks), dim=2))), dim=2)
    assert torch.allclose(streamed, vae.decode(latent), atol=1e-5)


def room_for(module: nn.Module, frames: int, fail: Callable[[], object]) -> list[int]:
    """Let a module find memory for so many frames at a time and no more; the frames of each call it got through."""
    fitted: list[int] = []

    def before(_: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        if arguments[0].shape[2] > frames:
            fail()
        fitted.append(arguments[0].shape[2])

    module.register_forward_pre_hook(before)
    return fitted


def cuda_is_full() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")


def cpu_is_full() -> object:
    return torch.empty(2**50, dtype=torch.uint8)


SHORT = [cuda_is_full, cpu_is_full]


@pytest.mark.parametrize("short", SHORT)
def test_a_chunk_that_finds_no_memory_is_decoded_frame_by_frame(vae: VideoVAE, short: Callable[[], object]) -> None:
    latent = vae.encode(clip(33))
    whole = vae.decode(latent)
    fitted = room_for(vae.decoder, 1, short)
    apart = torch.cat(list(vae.decode_chunks(latent.split(4, dim=2))), dim=2)
    assert fitted == [1] * 9
    assert torch.allclose(apart, whole, atol=1e-5)


@pytest.mark.parametrize("short", SHORT)
def test_frames_that_find_no_memory_are_encoded_as_few_at_a_time_as_can_be(
    vae: VideoVAE, short: Callable[[], object]
) -> None:
    whole = vae.encode(clip(33))
    fitted = room_for(vae.encoder, 4, short)
    assert torch.allclose(vae.encode(clip(33)), whole, atol=1e-5)
    assert fitted == [1, *[4] * 8]


def test_encoding_some_frames_at_a_time_equals_encoding_all_at_once(vae: VideoVAE) -> None:
    mean, _ = vae.encoder(clip(33))[0].chunk(2, dim=1)
    at_once = (mean - vae.mean.view(-1, 1, 1, 1)) / vae.std.view(-1, 1, 1, 1)
    assert torch.allclose(vae.encode(clip(33)), at_once, atol=1e-5)


def test_what_not_even_one_frame_finds_memory_for_and_other_failures_are_raised(vae: VideoVAE) -> None:
    latent = vae.encode(clip(9))
    room_for(vae.decoder, 0, cuda_is_full)
    with pytest.raises(torch.OutOfMemoryError):
        vae.decode(latent)
    fitted = room_for(vae.encoder, 0, lambda: torch.zeros(2) + torch.zeros(3))
    with pytest.raises(RuntimeError, match="must match"):
        vae.encode(clip(9))
    assert not fitted


def test_chunks_are_decoded_as_they_arrive(vae: VideoVAE) -> None:
    latent, taken = vae.encode(clip(9)), []

    def arriving():  # type: ignore[no-untyped-def]
        for index in range(3):
            taken.append(index)
            yield latent[:, :, index : index + 1]

    stream = vae.decode_chunks(arriving())
    assert next(stream).shape[2] == 1
    assert taken == [0]
    assert next(stream).shape[2] == 4
    assert taken == [0, 1]


@pytest.mark.parametrize("shape", [(1, 3, 4, 16, 16), (1, 3, 5, 20, 16), (1, 4, 5, 16, 16)])
def test_a_clip_that_does_not_fit_is_refused_with_what_to_do(vae: VideoVAE, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"needs 3 channels, 1 \+ 4k frames .* Trim or resize"):
        vae.encode(torch.zeros(shape))


def test_fitted_latents_have_zero_mean_and_unit_deviation(vae: VideoVAE) -> None:
    fit_statistics(vae, clips=8)
    assert vae.mean.abs().max() > 0
    assert vae.preview.abs().max() > 0


def test_a_cells_colour_is_the_mean_of_its_pixels() -> None:
    video = clip(5)
    colours = cell_colours(video, 4, 8)
    assert colours.shape == (2, 3, 2, 2, 3)
    assert torch.allclose(colours[:, :, 0, 0, 0], video[:, :, 0, :8, :8].mean(dim=(2, 3)), atol=1e-6)
    assert torch.allclose(colours[:, :, 1, 1, 2], video[:, :, 1:, 8:, 16:].mean(dim=(2, 3, 4)), atol=1e-6)


def test_weights_come_back_from_their_file(vae: VideoVAE, tmp_path: Path) -> None:
    save(vae, tmp_path / "vae.safetensors")
    one, two = load(tmp_path / "vae.safetensors"), load((tmp_path / "vae.safetensors").read_bytes())
    assert one.config == TINY
    assert torch.equal(one.encode(clip(5)), two.encode(clip(5)))
    assert torch.allclose(one.encode(clip(5)), vae.encode(clip(5)), atol=0.1)


def test_a_truncated_weights_file_is_refused_in_a_sentence(vae: VideoVAE, tmp_path: Path) -> None:
    path = tmp_path / "vae.safetensors"
    save(vae, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"not a whole Patchloom weights file .* needs .* Fetch the file again"):
        load(path)


def test_another_models_weights_are_refused_by_kind(tmp_path: Path, vae: VideoVAE) -> None:
    from nodes.dit.model import load as load_dit

    save(vae, tmp_path / "vae.safetensors")
    with pytest.raises(WeightsError, match=r"of kind 'video_vae'; needs kind 'dit'"):
        load_dit(tmp_path / "vae.safetensors")


def test_missing_weights_and_no_weights_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"Got no weights at .* Check the path"):
        load(tmp_path / "nothing.safetensors")
    with pytest.raises(WeightsError, match=r"not a whole Patchloom weights file"):
        load(b"")
