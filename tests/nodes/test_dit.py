"""The DiT and its text encoder: noise levels, packing, grids, guidance."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from nodes.dit.config import DiTConfig
from nodes.dit.guidance import guided
from nodes.dit.masks import given_tokens
from nodes.dit.model import DiT, load, save
from nodes.dit.rope import rotate, rotation
from nodes.patches.layout import Triple, grid_coords, patchify, unpatchify
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder
from nodes.text_encoder.model import load as load_text
from nodes.text_encoder.model import save as save_text
from nodes.weights_file import WeightsError

TINY = DiTConfig(latent_channels=2, width=24, depth=2, heads=2, axes=(4, 4, 4), text_width=12)


@pytest.fixture(autouse=True)
def _no_gradients():  # type: ignore[no-untyped-def]
    with torch.no_grad():
        yield


@pytest.fixture
def dit() -> DiT:
    torch.manual_seed(0)
    model = DiT(TINY).eval()
    for weight in model.parameters():
        weight.add_(0.1 * torch.randn_like(weight))
    return model


@pytest.fixture
def text_encoder() -> TextEncoder:
    torch.manual_seed(1)
    return TextEncoder(TextEncoderConfig(width=12, depth=1, heads=2)).eval()


def clip(grid: Triple, seed: int, words: int = 4) -> dict[str, torch.Tensor]:
    """The arguments of a DiT for one clip of a grid."""
    generator = torch.Generator().manual_seed(seed)
    count = grid[0] * grid[1] * grid[2]
    return {
        "tokens": torch.randn(1, count, TINY.token_width, generator=generator),
        "coords": grid_coords(*grid)[None],
        "t": torch.rand(1, count, generator=generator),
        "text": torch.randn(1, words, TINY.text_width, generator=generator),
        "text_mask": torch.ones(1, words, dtype=torch.bool),
    }


@pytest.mark.parametrize("grid", [(1, 4, 4), (5, 4, 4), (2, 3, 7), (9, 8, 8)])
def test_any_grid_has_a_prediction(dit: DiT, grid: Triple) -> None:
    arguments = clip(grid, 0)
    assert dit(**arguments).shape == arguments["tokens"].shape


PACKED = (((2, 3, 2), 5), ((1, 4, 4), 2), ((3, 2, 2), 7), ((4, 4, 1), 1))
"""(grid, words) of clips to pack: of 12, 16, 12 and 16 tokens."""


def pack(clips: list[dict[str, torch.Tensor]]) -> tuple[dict[str, torch.Tensor], tuple[int, ...]]:
    """The arguments of clips as those of one row, texts padded with noise to equal length; and the clips' lengths."""
    words = max(one["text"].shape[1] for one in clips)
    text = torch.randn(1, len(clips), words, TINY.text_width)
    mask = torch.zeros(1, len(clips), words, dtype=torch.bool)
    for place, one in enumerate(clips):
        text[:, place, : one["text"].shape[1]] = one["text"]
        mask[:, place, : one["text"].shape[1]] = True
    rows = {key: torch.cat([one[key] for one in clips], dim=1) for key in ("tokens", "coords", "t")}
    return {**rows, "text": text, "text_mask": mask}, tuple(one["tokens"].shape[1] for one in clips)


def test_clips_packed_in_one_row_come_out_as_if_run_alone(dit: DiT) -> None:
    rows = [[clip(grid, 10 * row + i, words) for i, (grid, words) in enumerate(PACKED)] for row in range(2)]
    alone = torch.cat([torch.cat([dit(**one) for one in clips], dim=1) for clips in rows])
    (first, lengths), (second, _) = map(pack, rows)
    together = dit(**{key: torch.cat([first[key], second[key]]) for key in first}, lengths=lengths)
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(together, alone.flip(0), atol=1e-2)


def test_packed_clips_train_as_if_each_were_trained_alone(dit: DiT) -> None:
    clips = [clip(grid, i, words) for i, (grid, words) in enumerate(PACKED)]
    packed, lengths = pack(clips)
    with torch.enable_grad():
        apart = sum(dit(**one).square().sum() for one in clips)
        together = dit(**packed, lengths=lengths).square().sum()
        weights = list(dit.parameters())
        pairs = zip(torch.autograd.grad(apart, weights), torch.autograd.grad(together, weights), strict=True)
        for alone, packed_ in pairs:
            assert torch.allclose(packed_, alone, rtol=1e-3, atol=1e-3 * float(alone.abs().max()))
        with torch.autocast("cpu", torch.bfloat16):
            coarse = dit(**packed, lengths=lengths)
        coarse.float().square().sum().backward()
    assert torch.allclose(coarse.float(), dit(**packed, lengths=lengths), rtol=0.05, atol=0.1)
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in weights)


def test_text_read_once_serves_every_step(dit: DiT) -> None:
    arguments = clip((2, 2, 2), 0)
    words = dit.read_text(arguments["text"], arguments["text_mask"])
    for t in (arguments["t"], arguments["t"] / 2):
        read = dit.denoise(arguments["tokens"], arguments["coords"], t, words)
        assert torch.equal(read, dit(**{**arguments, "t": t}))


def test_a_packing_that_does_not_fit_is_refused(dit: DiT) -> None:
    with pytest.raises(ValueError, match=r"Got 4 tokens a row; the lengths .* need 5"):
        dit(**clip((1, 2, 2), 0), lengths=(3, 2))
    with pytest.raises(ValueError, match="Got the texts of 1 x 1 clips for 1 x 2"):
        dit(**clip((1, 2, 2), 0), lengths=(2, 2))


def test_a_tokens_noise_level_changes_what_it_and_others_become(dit: DiT) -> None:
    arguments = clip((2, 2, 2), 0)
    before = dit(**arguments)
    arguments["t"] = arguments["t"].clone()
    arguments["t"][0, 3] += 0.3
    after = (dit(**arguments) - before).abs().amax(dim=-1)[0]
    assert after.argmax() == 3
    assert (after > 1e-6).all()


def test_padding_of_the_text_changes_nothing(dit: DiT) -> None:
    arguments = clip((2, 2, 2), 0)
    before = dit(**arguments)
    arguments["text"] = torch.cat([arguments["text"], torch.randn(1, 3, TINY.text_width)], dim=1)
    arguments["text_mask"] = torch.cat([arguments["text_mask"], torch.zeros(1, 3, dtype=torch.bool)], dim=1)
    assert torch.allclose(dit(**arguments), before, atol=1e-5)


def test_a_new_dit_predicts_zero_since_every_block_starts_as_the_identity() -> None:
    assert DiT(TINY)(**clip((2, 2, 2), 0)).abs().max() == 0


def test_training_attention_equals_the_fused_one(dit: DiT) -> None:
    arguments = clip((2, 3, 2), 0)
    fused = dit(**arguments)
    with torch.enable_grad():
        assert torch.allclose(dit(**arguments), fused, atol=1e-5)


def test_rotation_keeps_lengths_and_depends_on_distance_alone() -> None:
    q, k = torch.randn(2, 1, 1, 12)
    q, k = q[None], k[None]

    def score(at_q: list[float], at_k: list[float]) -> torch.Tensor:
        turns = [rotation(torch.tensor([[place]]), (4, 4, 4), 100.0) for place in (at_q, at_k)]
        return (rotate(q, turns[0]) * rotate(k, turns[1])).sum()

    assert torch.allclose(score([1.0, 2.0, 3.5], [0.0, 1.0, 1.0]), score([3.0, 1.0, 2.5], [2.0, 0.0, 0.0]), atol=1e-5)
    turned = rotate(q, rotation(torch.tensor([[[5.0, -2.0, 1.5]]]), (4, 4, 4), 100.0))
    assert torch.allclose(turned.norm(), q.norm())


@pytest.mark.parametrize("patch", [(1, 2, 2), (1, 1, 1), (2, 2, 2), (4, 1, 2)])
def test_unpatchify_undoes_patchify(patch: Triple) -> None:
    latent = torch.randn(2, 3, 4, 4, 6)
    tokens = patchify(latent, patch)
    grid = (4 // patch[0], 4 // patch[1], 6 // patch[2])
    assert tokens.shape == (2, grid[0] * grid[1] * grid[2], 3 * patch[0] * patch[1] * patch[2])
    assert torch.equal(unpatchify(tokens, grid, patch), latent)


def test_a_token_holds_one_patch_channel_first() -> None:
    latent = torch.randn(1, 3, 2, 4, 4)
    assert torch.equal(patchify(latent, (1, 2, 2))[0, 5], latent[0, :, 1, :2, 2:].flatten())


def test_coordinates_count_time_from_zero_and_space_from_the_centre() -> None:
    coords = grid_coords(2, 3, 4)
    assert coords.shape == (24, 3)
    assert coords[0].tolist() == [0.0, -1.0, -1.5]
    assert coords[-1].tolist() == [1.0, 1.0, 1.5]
    assert coords[:, 1:].mean(0).abs().max() == 0


def test_guidance_at_scale_one_runs_one_branch_and_else_both_in_one_batch(dit: DiT, text_encoder: TextEncoder) -> None:
    arguments = clip((2, 2, 2), 0)
    sizes: list[int] = []
    dit.enter.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    text, null = text_encoder.encode(["a red ball bouncing on black"]), text_encoder.encode([""])
    x, t, coords = arguments["tokens"], arguments["t"], grid_coords(2, 2, 2)
    plain = guided(dit, coords, text, null, 1.0)(x, t)
    guidance = guided(dit, coords, text, null, 3.0)(x, t)
    assert sizes == [1, 2]
    without = dit(x, coords[None], t, null.text, null.mask)
    assert torch.allclose(guidance, without + 3 * (plain - without), atol=1e-4)


def test_a_texts_encoding_does_not_depend_on_what_it_is_batched_with(text_encoder: TextEncoder) -> None:
    alone = text_encoder.encode(["a red ball"])
    together = text_encoder.encode(["a red ball", "a small green star moving in a circle on black", ""])
    assert torch.allclose(together.text[0, : alone.text.shape[1]], alone.text[0], atol=1e-5)
    assert together.mask.sum(dim=1).tolist() == [3, 10, 1]


def test_every_arrangement_leaves_something_to_make_and_most_give_nothing() -> None:
    rng = random.Random(0)
    masks = [given_tokens(rng, (5, 4, 4)) for _ in range(400)]
    assert not any(mask.all() for mask in masks)
    assert 0.6 < sum(not mask.any() for mask in masks) / 400 < 0.85
    shapes = {tuple(mask.tolist()) for mask in masks}
    first = torch.zeros(5, 16, dtype=torch.bool)
    first[0] = True
    assert tuple(first.flatten().tolist()) in shapes


def test_weights_come_back_from_their_files(dit: DiT, text_encoder: TextEncoder, tmp_path: Path) -> None:
    save(dit, tmp_path / "dit.safetensors", "patchloom-v2")
    save_text(text_encoder, tmp_path / "text.safetensors", "patchloom-v2")
    assert load(tmp_path / "dit.safetensors").config == TINY
    assert load_text((tmp_path / "text.safetensors").read_bytes()).config == text_encoder.config
    (tmp_path / "dit.safetensors").write_bytes((tmp_path / "dit.safetensors").read_bytes()[:5000])
    with pytest.raises(WeightsError, match="Fetch the file again"):
        load(tmp_path / "dit.safetensors")


def test_a_text_encoder_of_other_words_is_refused(tmp_path: Path) -> None:
    other = TextEncoder(TextEncoderConfig(width=12, depth=1, heads=2, words=("<pad>", "<null>", "cat")))
    save_text(other, tmp_path / "text.safetensors", "patchloom-v2")
    with pytest.raises(WeightsError, match="not those of this version's vocabulary"):
        load_text(tmp_path / "text.safetensors")
