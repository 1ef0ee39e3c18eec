"""Drawing latents by the small decoder: in numpy as in torch, and close to what the VAE would show."""

from pathlib import Path

import numpy as np
import pytest
import torch

from assets import weight_files
from assets.values import Latent, VideoVAE
from assets.weight_files import read_array
from nodes.models import load
from nodes.models.handles import builtin
from nodes.preview import drawing
from nodes.preview.colours import colours, components
from nodes.preview.config import PreviewConfig
from nodes.preview.drawing import draw, drawn_by
from nodes.preview.model import PreviewDecoder
from nodes.preview.train import PreviewTraining, examples, train
from nodes.video_vae.config import LATENT_SPACE, VideoVAEConfig
from nodes.video_vae.model import VideoVAE as Module
from nodes.video_vae.model import save


def test_numpy_draws_what_torch_draws() -> None:
    torch.manual_seed(0)
    decoder = PreviewDecoder(PreviewConfig(5)).requires_grad_(False)
    latent = 3 * torch.randn(2, 5, 4, 3)
    weights = {name: weight.numpy() for name, weight in decoder.named_parameters()}
    layers = [(weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in ("enter", "middle", "leave")]
    drawn = drawing.decoded(latent.permute(0, 2, 3, 1).numpy(), *layers)
    np.testing.assert_allclose(drawn, decoder(latent).permute(0, 2, 3, 1).numpy(), atol=1e-5)


def test_the_shipped_decoder_draws_held_out_clips_closer_than_the_linear_map_does() -> None:
    vae = load(builtin(VideoVAE))
    latents, pictures = examples(vae, 2, "some clips", held=True)
    truth = torch.nn.functional.interpolate(pictures, size=(32, 32), mode="area").permute(0, 2, 3, 1).numpy()
    cells = latents.permute(0, 2, 3, 1).numpy()
    mapped = (cells @ vae.preview[:-1].numpy() + vae.preview[-1].numpy()).repeat(4, axis=1).repeat(4, axis=2)
    drawn = draw(cells, LATENT_SPACE)
    assert drawn is not None
    assert error(drawn, truth) < 0.4 * error(mapped, truth)


def error(drawn: np.ndarray, truth: np.ndarray) -> float:
    return float(((drawn.clip(-1, 1) - truth) ** 2).mean())


def test_a_decoder_is_fitted_to_a_vae_and_drawn_with_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    tiny = VideoVAEConfig(4, (8, 8), (1, 1), decoder_widths=(8, 8, 8), decoder_blocks=(1, 1, 1))
    save(Module(tiny), tmp_path / "video_vae.safetensors")
    monkeypatch.setattr(weight_files, "BUILTIN", tmp_path)
    cells = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype(np.float32)
    before = drawn_by()
    by_map = draw(cells, LATENT_SPACE)
    assert by_map is not None
    assert by_map.shape == (2, 3, 3, 3)

    folder = tmp_path / "fitted"
    config = PreviewTraining(tmp_path / "video_vae.safetensors", clips=1, steps=3, batch=4)
    decoder = train(config, folder / "preview.safetensors")
    save(Module(tiny), folder / "video_vae.safetensors")
    monkeypatch.setattr(weight_files, "BUILTIN", folder)
    drawn = draw(cells, LATENT_SPACE)
    assert drawn is not None
    exact = decoder(torch.from_numpy(cells).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(drawn, exact, atol=0.02 * np.abs(exact).max())
    assert drawn_by() != before


@pytest.mark.parametrize(("space", "channels"), [("elsewhere", 8), (LATENT_SPACE, 5)])
def test_a_latent_that_nothing_here_can_draw_is_shown_by_its_components(space: str, channels: int) -> None:
    latent = Latent(np.random.default_rng(0).normal(size=(channels, 2, 4, 4)).astype(np.float32), space, 8.0)
    np.testing.assert_array_equal(colours(latent), components(latent))


def test_damaged_preview_weights_stop_no_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("video_vae", "preview"):
        path = weight_files.BUILTIN / f"{name}.safetensors"
        (tmp_path / path.name).write_bytes(path.read_bytes()[: None if name == "video_vae" else 2000])
    cells = np.random.default_rng(0).normal(size=(1, 2, 2, 8)).astype(np.float32)
    monkeypatch.setattr(weight_files, "BUILTIN", tmp_path)
    drawn = draw(cells, LATENT_SPACE)
    assert drawn is not None
    linear = read_array(tmp_path / "video_vae.safetensors", "preview")
    np.testing.assert_allclose(drawn, cells @ linear[:-1] + linear[-1], atol=1e-5)
