"""Long clips, sampled window by window."""

import pytest
import torch
from bench import Bench
from tiny_models import TinyModels

from assets.values import Conditioning, Patches
from nodes.api import SpecError, collected_warnings
from nodes.dit.nodes import sample
from nodes.dit.windows import TRAINED_ROWS, sample_windows, sample_windows_spec, windows
from nodes.patches.nodes import noise_patches


@pytest.mark.parametrize("rows", [1, 8, 9, 10, 15, 16, 65])
def test_windows_cover_every_row_once_but_for_what_they_share(rows: int) -> None:
    planned = windows(rows, window=9, overlap=3)
    made = [row for part in planned for row in range(part.start + part.given, part.stop)]
    assert made == list(range(rows))
    for part in planned[1:]:
        assert part.stop - part.start == 9
        assert part.given >= 3
        assert 1 <= part.origin <= TRAINED_ROWS - 9


def conditioned(tiny: TinyModels) -> Conditioning:
    generator = torch.Generator().manual_seed(1)
    embeds, null = (torch.randn(rows, tiny.text_encoder.dim, generator=generator) for rows in (3, 1))
    return Conditioning(embeds, ("a", "red", "ball"), null, tiny.dit.encoder)


def canvas(tiny: TinyModels, frames: int) -> Patches:
    return noise_patches(tiny.dit, tiny.vae, width=32, height=16, frames=frames, fps=8.0)


def test_a_clip_that_one_window_holds_is_made_as_the_sampler_makes_it(tiny: TinyModels, bench: Bench) -> None:
    made = {}
    for curve in ("", "0:1 0.5:0", "0:0"):
        widgets = {"ctx": bench, "seed": 3, "steps": 3, "guidance_over_steps": curve}
        whole = sample(tiny.dit, canvas(tiny, 9), conditioned(tiny), **widgets).patches
        made[curve] = sample_windows(tiny.dit, canvas(tiny, 9), conditioned(tiny), **widgets).tokens
        assert torch.allclose(whole.tokens, made[curve], atol=1e-5)
    assert not torch.allclose(made[""], made["0:1 0.5:0"], atol=1e-3)
    assert not torch.allclose(made["0:0"], made["0:1 0.5:0"], atol=1e-3)


def test_every_window_has_the_guidance_of_its_own_steps(tiny: TinyModels, bench: Bench) -> None:
    def made(guidance: float, curve: str = "") -> torch.Tensor:
        widgets = {"steps": 3, "window": 3, "overlap": 1, "guidance": guidance, "guidance_over_steps": curve}
        return torch.as_tensor(
            sample_windows(tiny.dit, canvas(tiny, 25), conditioned(tiny), ctx=bench, **widgets).tokens
        )

    assert torch.equal(made(5.0, "0:0.5"), made(3.0))
    assert not torch.allclose(made(5.0, "0:1 1:0"), made(5.0), atol=1e-3)


def test_a_curve_of_no_guidance_at_all_is_warned_of(tiny: TinyModels) -> None:
    given = (tiny.dit, canvas(tiny, 9).spec, conditioned(tiny).spec, 2, 3, 1)
    with collected_warnings() as said:
        sample_windows_spec(*given, guidance=1, guidance_over_steps="0:1 1:0")
    assert "changes nothing" in said[0]


def test_what_a_window_makes_depends_on_what_came_before_and_not_on_how_long_the_clip_gets(
    tiny: TinyModels, bench: Bench
) -> None:
    def made(frames: int, seed: int = 0) -> torch.Tensor:
        patches = sample_windows(
            tiny.dit, canvas(tiny, frames), conditioned(tiny), ctx=bench, steps=2, seed=seed, window=3, overlap=1
        )
        assert (patches.noise == 0).all()
        return torch.as_tensor(patches.tokens).unflatten(0, (patches.grids[0][0], -1))

    longer, shorter = made(25), made(17)  # 7 rows and 5: windows of rows 0-2, 2-4, 4-6
    assert torch.equal(longer[:5], shorter)
    assert not torch.equal(made(17, seed=1)[:3], shorter[:3])
    assert max(len(shown.tokens) for shown in bench.seen) == 3 * 2  # no step sees more than a window


def test_an_interrupted_run_goes_on_after_the_last_window_that_was_done(tiny: TinyModels, bench: Bench) -> None:
    def made(context: Bench) -> torch.Tensor:
        widgets = {"steps": 2, "window": 3, "overlap": 1, "guidance_over_steps": "0:1 1:0.2"}
        made = sample_windows(tiny.dit, canvas(tiny, 25), conditioned(tiny), ctx=context, **widgets)
        return torch.as_tensor(made.tokens)

    whole = made(bench)
    resumed = Bench(kept_before=bench.steps_kept[:2])
    assert torch.equal(made(resumed), whole)
    assert len(resumed.steps_kept) == 1
    assert resumed.done == bench.done


def test_given_patches_stay_as_they_are_in_every_window(tiny: TinyModels, bench: Bench) -> None:
    empty = canvas(tiny, 25)
    tokens, noise = torch.randn(14, 16), torch.ones(14)
    noise[[0, 9]] = 0
    given = Patches(tokens, noise, empty.grids, empty.patch, empty.space, empty.fps)
    made = sample_windows(tiny.dit, given, conditioned(tiny), ctx=bench, steps=2, window=3, overlap=1)
    same = (torch.as_tensor(made.tokens) == tokens).all(1)
    assert same.nonzero().flatten().tolist() == [0, 9]


def test_windows_that_share_all_they_have_are_refused(tiny: TinyModels) -> None:
    with pytest.raises(SpecError, match=r"windows of 3 latent frames that overlap by 3.*Try an overlap of 2"):
        sample_windows_spec(tiny.dit, canvas(tiny, 9).spec, conditioned(tiny).spec, 2, 3, 3)
