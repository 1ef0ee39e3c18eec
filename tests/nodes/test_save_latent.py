"""Decoding straight into a file: the same file as decode, then save."""

from pathlib import Path

import pytest
import torch
from bench import Bench
from tiny_models import CHANNELS, SPACE, TinyModels

from assets.files import Files
from assets.media import probe, read_workflow
from assets.values import Clip, Latent, LatentSpec
from nodes.api import SpecError
from nodes.context import Workflow
from nodes.media.nodes import save_clip
from nodes.video_vae.config import CHUNK
from nodes.video_vae.nodes import decode_latent, decoded_chunks, save_latent, save_latent_spec

WORKFLOW = Workflow('{"format": "patchloom/1"}')


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files((), tmp_path)


@pytest.fixture
def latent() -> Latent:
    return Latent(torch.randn(CHANNELS, 11, 2, 3, generator=torch.Generator().manual_seed(0)), SPACE, 8.0)


def test_a_latent_saved_at_once_is_the_file_of_decode_then_save(
    tiny: TinyModels, latent: Latent, files: Files, bench: Bench
) -> None:
    streamed = save_latent(tiny.vae, latent, ctx=bench, files=files, workflow=WORKFLOW, file="streamed.mp4", quality=90)
    clip = decode_latent(tiny.vae, latent, ctx=bench)
    saved = save_clip(clip, files=files, workflow=WORKFLOW, file="saved.mp4", quality=90)
    assert streamed.digest == saved.digest
    assert probe(files.outputs / "streamed.mp4") == clip.spec
    assert read_workflow(files.outputs / "streamed.mp4") == WORKFLOW.text


def test_chunks_come_as_they_are_decoded_and_join_to_the_whole(tiny: TinyModels, latent: Latent, bench: Bench) -> None:
    chunks = list(decoded_chunks(tiny.vae, latent, bench))
    assert [len(chunk) for chunk in chunks] == [1 + 4 * (CHUNK - 1), 4 * CHUNK, 4 * (11 - 2 * CHUNK)]
    assert bench.done == len(chunks)
    whole = bench.model(tiny.vae).decode(torch.as_tensor(latent.data)[None])[0]
    streamed = torch.cat([torch.from_numpy(chunk) for chunk in chunks]).permute(3, 0, 1, 2)
    assert ((whole + 1) * 127.5 - streamed).abs().max() <= 0.5 + 127.5 * 1e-5


def test_an_image_can_be_saved_and_a_clip_is_refused_a_png(tiny: TinyModels, files: Files, bench: Bench) -> None:
    with pytest.raises(SpecError, match="41 frames for the image"):
        save_latent_spec(tiny.vae, LatentSpec(CHANNELS, 11, 2, 3, SPACE, 8.0), "a.png", files)
    still = Latent(torch.zeros(CHANNELS, 1, 2, 3), SPACE, 8.0)
    save_latent(tiny.vae, still, ctx=bench, files=files, workflow=Workflow(), file="a.png", quality=90)
    assert probe(files.outputs / "a.png").frames == 1
    assert isinstance(decode_latent(tiny.vae, still, ctx=bench), Clip)
