"""The colours of open weights' latents are learned of what their VAEs decode and encode."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_cogvideox
import tiny_hunyuan
import tiny_hunyuan_i2v
import tiny_ltx
import tiny_mochi
import tiny_wan
import torch
from bench import Bench
from torch.nn.functional import avg_pool3d

from assets.files import Files
from assets.store import Store
from assets.values import Clip, Latent, VideoVAE
from nodes.families.registry import components
from nodes.preview import learned
from nodes.preview.colours import colours
from nodes.preview.drawing import draw, drawn_by
from nodes.preview.learned import CLIPS, COLOURS, ColourMaps, pairs
from nodes.video_vae.nodes import decode_latent, encode_video
from pipelines.executors.local import LocalExecutor

from test_memory_plan import MODEL, text_to_video  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")
FOLDERS: dict[str, Callable[[Path], Any]] = {
    "wan": tiny_wan.write_text_to_video,
    "wan 5B": tiny_wan.write_5b,
    "ltx": tiny_ltx.write,
    "cogvideox": lambda path: tiny_cogvideox.write(path, "5b"),
    "hunyuan": tiny_hunyuan.write,
    "hunyuan led": lambda path: tiny_hunyuan_i2v.write(path, "latent_concat"),
    "mochi": tiny_mochi.write,
}


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ColourMaps:
    made = ColourMaps()
    made.keep_in(tmp_path / "colours")
    monkeypatch.setattr("nodes.preview.drawing.colour_maps", made)
    return made


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> VideoVAE:
    return components(tiny_wan.write_text_to_video(tmp_path_factory.mktemp("wan"))).vae


def some_latent(vae: VideoVAE, seed: int = 0, rows: int = 3) -> Latent:
    made = torch.randn(vae.channels, vae.lead + rows, 12, 12, generator=torch.Generator().manual_seed(seed))
    return Latent(made, vae.space, 8.0)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_map_is_the_best_that_a_linear_one_can_be(name: str, maps: ColourMaps, tmp_path: Path) -> None:
    vae = components(FOLDERS[name](tmp_path / "model")).vae
    latent = some_latent(vae)
    clip = decode_latent(vae, latent, ctx=Bench())
    maps.learn(vae, latent, clip)
    drawn = draw(np.asarray(latent.data[:, vae.lead :]).transpose(1, 2, 3, 0), vae.space)
    assert drawn is not None

    truth = mean_colours(clip, vae)
    places = torch.as_tensor(latent.data)[:, vae.lead :].permute(1, 2, 3, 0).reshape(-1, vae.channels).double()
    whole = torch.cat([places, torch.ones(len(places), 1).double()], dim=1)
    best = whole @ torch.linalg.lstsq(whole, truth).solution
    np.testing.assert_allclose(drawn.reshape(-1, 3), best, atol=1e-4)


def mean_colours(clip: Clip, vae: VideoVAE) -> torch.Tensor:
    """(n 3), of the first frame alone and then of as many at a time as a latent frame stands for."""
    frames = torch.as_tensor(clip.frames).permute(3, 0, 1, 2).double() / 127.5 - 1
    first = avg_pool3d(frames[:, :1], (1, *vae.stride[1:]))
    return torch.cat([first, avg_pool3d(frames[:, 1:], vae.stride)], dim=1).permute(1, 2, 3, 0).reshape(-1, 3)


def test_every_clip_counts_until_there_are_enough(vae: VideoVAE, maps: ColourMaps) -> None:
    drawn = [drawn_by()]
    known = []
    for seed in range(CLIPS + 1):
        latent = some_latent(vae, seed)
        clip = decode_latent(vae, latent, ctx=Bench())
        maps.learn(vae, latent, clip)
        known.append(pairs(vae, latent, clip))
        drawn.append(drawn_by())
    assert len(set(drawn)) == CLIPS + 1
    assert drawn[-1] == drawn[-2]
    places, truth = (np.concatenate(each[:CLIPS]) for each in zip(*known, strict=True))
    np.testing.assert_allclose(maps.of(vae.space), np.linalg.lstsq(places, truth)[0], atol=1e-5)


def test_an_encoded_clip_teaches_too_and_another_vae_begins_anew(vae: VideoVAE, maps: ColourMaps) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 96, 96, 3), np.uint8)
    clip = Clip(noise, 8.0)
    latent = encode_video(vae, clip, ctx=Bench())
    maps.learn(vae, latent, clip)
    first = maps.of(vae.space)
    maps.learn(vae, some_latent(vae), clip)
    maps.learn(replace(vae, digest="another"), latent, clip)
    np.testing.assert_array_equal(maps.of(vae.space), first)


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      ", bytes(100)])
def test_a_damaged_map_stops_no_drawing_and_is_learned_anew(content: bytes, vae: VideoVAE, maps: ColourMaps) -> None:
    latent = some_latent(vae)
    clip = decode_latent(vae, latent, ctx=Bench())
    maps.learn(vae, latent, clip)
    before = colours(latent)
    (path,) = maps._folder.glob("*.safetensors") if maps._folder else ()
    path.write_bytes(content)
    assert maps.of(vae.space) is None
    maps.learn(vae, latent, clip)
    np.testing.assert_array_equal(colours(latent), before)


def test_what_does_not_belong_together_teaches_nothing(vae: VideoVAE, maps: ColourMaps) -> None:
    latent = some_latent(vae)
    clip = decode_latent(vae, latent, ctx=Bench())
    for other in (replace(latent, space="another"), some_latent(vae, rows=2)):
        maps.learn(vae, other, clip)
    few = replace(latent, data=latent.data[:, :1, :4, :4])
    maps.learn(vae, few, Clip(clip.frames[:1, :32, :32], 8.0))
    assert maps.of(vae.space) is None


def test_a_run_leaves_what_later_previews_are_drawn_by(tmp_path: Path) -> None:
    models, store = tmp_path / "models", Store(tmp_path / "store")
    tiny_wan.write_text_to_video(models / MODEL)
    executor = LocalExecutor(store, Files((), tmp_path / "outputs", (models,)))
    try:
        assert executor.wait(executor.submit(text_to_video("automatic"))).failed == {}
    finally:
        executor.close()
    assert len(list((store.folder / COLOURS).iterdir())) == 1
    assert learned.colour_maps.of(components(models / MODEL).vae.space) is not None
    store.close()
