"""SkyReels-V2: our nodes make of its weights what the reference pipelines make of them, long clips too."""

from pathlib import Path
from typing import Any

import pytest
import tiny_skyreels
import torch
from bench import Bench
from diffusers import DiffusionPipeline, UniPCMultistepScheduler
from parity import PROMPT, SIZE, first_noise, make
from table import agree

from assets.values import ConditioningSpec, Text
from nodes.api import SpecError
from nodes.dit.nodes import sample_spec
from nodes.dit.windows import sample_windows, sample_windows_spec, windows
from nodes.families.registry import components
from nodes.patches.layout import unpatchify
from nodes.patches.nodes import noise_patches, noise_patches_spec
from nodes.text_encoder.nodes import encode_text

LONG = {"frames": 17, "height": 32, "width": 48}
WINDOW, OVERLAP = 3, 1


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_skyreels.write(tmp_path_factory.mktemp("models") / "df", forced=True)


def pipeline(folder: Path) -> Any:
    made: Any = DiffusionPipeline.from_pretrained(folder)
    made.set_progress_bar_config(disable=True)
    return made


def reference(folder: Path, size: dict[str, int] = SIZE, **asked: Any) -> torch.Tensor:
    """Latent (c t h w) by the reference pipeline."""
    sizes = {"num_frames": size["frames"], "height": size["height"], "width": size["width"]}
    told = {"num_inference_steps": 4, "guidance_scale": 5.0, "output_type": "latent", **sizes, **asked}
    return torch.as_tensor(pipeline(folder)(PROMPT, **told).frames[0])


def test_text_to_video_is_the_reference_pipelines(tmp_path: Path) -> None:
    folder = tiny_skyreels.write(tmp_path / "t2v", forced=False)
    latent = reference(folder, latents=first_noise(components(folder)))
    assert float(latent.std()) > 0.1
    agree("SkyReels-V2 T2V", "text", make(folder).latent.data, latent)


@pytest.mark.parametrize("fps", [24, 16])
def test_a_long_clip_in_windows_is_the_reference_pipelines(
    forced: Path, fps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    models, bench = components(forced), Bench()
    canvas = noise_patches(models.dit, models.vae, fps=float(fps), **LONG)
    rows, high, wide = canvas.grids[0]
    generator = torch.Generator().manual_seed(7)
    planned = windows(rows, WINDOW, OVERLAP)
    assert len(planned) == 2
    drawn = [torch.randn(WINDOW, high * wide, canvas.tokens.shape[1], generator=generator) for _ in planned]
    noise = iter([unpatchify(one.flatten(0, 1)[None], (WINDOW, high, wide), canvas.patch) for one in drawn])
    monkeypatch.setattr(
        "diffusers.pipelines.skyreels_v2.pipeline_skyreels_v2_diffusion_forcing.randn_tensor",
        lambda *shape, **how: next(noise),
    )
    # The pipeline overwrites what its scheduler keeps for the first correction: here the scheduler keeps its own.
    step = UniPCMultistepScheduler.step
    monkeypatch.setattr(
        UniPCMultistepScheduler, "step", lambda self, v, t, x, **how: step(self, v, t, x.clone(), **how)
    )
    latent = reference(forced, LONG, base_num_frames=9, overlap_history=1, fps=fps)

    text = encode_text(models.text_encoder, Text(PROMPT), ctx=bench)
    widgets: dict[str, Any] = {"seed": 7, "steps": 4, "guidance": 5.0, "sampler": "unipc", "shift": 0}
    made = sample_windows(models.dit, canvas, text, ctx=bench, window=WINDOW, overlap=OVERLAP, **widgets)
    ours = unpatchify(torch.as_tensor(made.tokens)[None], made.grids[0], made.patch)[0]
    assert float(latent.std()) > 0.1
    agree("SkyReels-V2 DF", "long", ours, latent)


def test_a_long_clip_is_refused_where_the_dit_cannot_go_on_from_frames(tmp_path: Path) -> None:
    models = components(tiny_skyreels.write(tmp_path / "t2v", forced=False))
    canvas = noise_patches_spec(models.dit, models.vae, 48, 32, 17, 24.0)
    text = ConditioningSpec(models.text_encoder.dim, models.text_encoder.encoder)
    assert sample_spec(models.dit, canvas, text, 4).patches == canvas
    with pytest.raises(SpecError, match="5 latent frames in windows of 3; this DiT cannot go on"):
        sample_windows_spec(models.dit, canvas, text, 4, WINDOW, OVERLAP)
