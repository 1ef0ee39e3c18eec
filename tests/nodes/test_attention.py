"""Attention to look at: it is the model's own, and it is shown where it belongs."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from bench import Bench
from tiny_models import TinyModels

from assets.values import ClipSpec, Conditioning, Patches
from nodes.api import SpecError
from nodes.dit.config import DiTConfig
from nodes.dit.model import DiT
from nodes.patches.layout import grid_coords
from nodes.preview.attention import show_attention, show_attention_spec, show_reading
from nodes.preview.heat import overlay
from nodes.preview.read_out import of_token, of_words
from nodes.text_encoder.config import TextEncoderConfig
from nodes.text_encoder.model import TextEncoder

GRID = (2, 3, 2)
COUNT = 12


@pytest.fixture(scope="module")
def dit() -> DiT:
    """One head, so that the mean over the heads is the head, and attention can be held against what it gives."""
    torch.manual_seed(0)
    model = DiT(DiTConfig(4, width=12, depth=2, heads=1, axes=(4, 4, 4), text_width=8)).eval().requires_grad_(False)
    for weight in model.parameters():
        weight.add_(0.2 * torch.randn_like(weight))
    return model


def run(dit: DiT) -> torch.Tensor:
    made = torch.Generator().manual_seed(1)
    tokens, text = torch.randn(1, COUNT, 16, generator=made), torch.randn(1, 5, 8, generator=made)
    levels = torch.full((1, COUNT), 0.5)
    return dit(tokens, grid_coords(*GRID)[None], levels, text, torch.ones(1, 5, dtype=torch.bool))  # type: ignore[no-any-return]


def test_the_attention_read_out_is_the_one_that_makes_the_result(dit: DiT) -> None:
    block: Any = dit.blocks[1]
    caught: list[Any] = []
    hooks = [part.register_forward_hook(lambda *call: caught.append(call[1:])) for part in (block.attend, block.read)]
    run(dit)
    for hook in hooks:
        hook.remove()
    (inputs, attended), (read_inputs, read) = caught
    values = block.attend.qkv(inputs[0]).chunk(3, dim=-1)[2][0]
    looks = torch.stack([of_token(dit, token, lambda: run(dit))[1] for token in range(COUNT)])
    torch.testing.assert_close(block.attend.out(looks @ values), attended[0])
    words = of_words(dit, lambda: run(dit))[1] @ read_inputs[1][1][0, 0, 0]
    torch.testing.assert_close(block.read.out(words), read[0])


def test_the_attention_that_a_text_has_is_the_last_block_s_own() -> None:
    torch.manual_seed(0)
    encoder = TextEncoder(TextEncoderConfig(width=12, depth=2, heads=1)).eval().requires_grad_(False)
    last: Any = encoder.blocks[1]
    caught: list[Any] = []
    hooks = [part.register_forward_hook(lambda *call: caught.append(call[1:])) for part in (last.norm1, last.out)]
    encoder.encode(["a red ball bounces"])
    for hook in hooks:
        hook.remove()
    (_, normed), ((attended,), _) = caught
    shares = torch.tensor(encoder.read("a red ball bounces").attention)
    values = last.qkv(normed).chunk(3, dim=-1)[2][0]
    torch.testing.assert_close(shares @ values, attended[0].mean(0), rtol=0, atol=1e-3)
    assert shares.sum() == pytest.approx(1, abs=1e-3)
    assert shares.max() - shares.min() > 0.01


def test_looking_leaves_the_model_as_it_was(dit: DiT) -> None:
    before = run(dit)
    of_token(dit, 3, lambda: run(dit))
    of_words(dit, lambda: run(dit))
    torch.testing.assert_close(run(dit), before, rtol=0, atol=0)
    assert not any(module._forward_pre_hooks for module in dit.modules())


def test_heat_lies_on_its_cell_in_the_frames_that_it_stands_for() -> None:
    heat = np.zeros((3, 2, 2), np.float32)
    heat[1, 0, 1] = 1
    warm = overlay(np.zeros((9, 8, 8, 3), np.uint8), heat).astype(int).sum(-1)
    assert {index for index in range(9) if warm[index].max() > 100} == {1, 2, 3, 4}
    assert warm[1, :4, 4:].min() > 300
    assert max(warm[1, 4:].max(), warm[1, :, :4].max()) < 10


@pytest.mark.parametrize("frames", [6, 21])
def test_steps_of_two_latent_frames_last_as_long_as_both(frames: int) -> None:
    heat = np.zeros((3, 1, 1), np.float32)
    heat[1] = 1
    lit = overlay(np.zeros((frames, 4, 4, 3), np.uint8), heat, patch_time=2).max(axis=(1, 2, 3))
    assert np.flatnonzero(lit > 100).tolist() == (list(range(5, 13)) if frames == 21 else [2, 3])


def test_the_chosen_patch_is_framed() -> None:
    made = overlay(np.zeros((5, 12, 12, 3), np.uint8), np.ones((2, 3, 3), np.float32) * 0, mark=(1, 2, 0))
    white = (made == 255).all(-1)
    assert not white[0].any()
    assert white[1:, 8, 0:4].all()
    assert not white[1:, :8].any()


@pytest.fixture
def patches() -> Patches:
    tokens = torch.randn(4, 16, generator=torch.Generator().manual_seed(2))
    return Patches(tokens, torch.zeros(4), ((2, 1, 2),), (1, 2, 2), "tiny", 8.0)


@pytest.fixture
def conditioning(tiny: TinyModels) -> Conditioning:
    return Conditioning(torch.randn(3, 12), ("a", "red", "ball"), torch.randn(1, 12), tiny.dit.encoder)


def test_how_much_each_word_is_read_is_said_and_shown(
    tiny: TinyModels, patches: Patches, conditioning: Conditioning, bench: Bench
) -> None:
    read = show_reading(tiny.dit, patches, conditioning, ctx=bench, word="Red")
    shares = [float(line.split("%")[0]) for line in read.shares.text.splitlines()]
    assert [line.split()[-1] for line in read.shares.text.splitlines()] == ["a", "red", "ball"]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    most = ("a", "red", "ball")[int(np.argmax(shares))]
    foremost, named = (show_reading(tiny.dit, patches, conditioning, ctx=bench, word=word) for word in ("", most))
    np.testing.assert_array_equal(foremost.clip.frames, named.clip.frames)
    with pytest.raises(ValueError, match=r"Got the word 'blue'.* needs one of: a, red, ball"):
        show_reading(tiny.dit, patches, conditioning, ctx=bench, word="blue")


def test_what_is_given_is_looked_at_as_it_is_where_something_is_still_to_be_made(
    tiny: TinyModels, patches: Patches, conditioning: Conditioning, bench: Bench
) -> None:
    """A finished clip is noised all over; in an arrangement, the given patches stay clean at any level."""
    given = replace(patches, noise=torch.tensor([0.0, 0.0, 1.0, 1.0]))
    pictures = [
        show_attention(tiny.dit, value, conditioning, ctx=bench, noise=level).frames
        for value in (patches, given)
        for level in (0.0, 0.9)
    ]
    np.testing.assert_array_equal(pictures[0], pictures[2])
    assert not np.array_equal(pictures[1], pictures[3])


def test_what_cannot_be_looked_at_is_refused_with_what_can(
    tiny: TinyModels, patches: Patches, conditioning: Conditioning, bench: Bench
) -> None:
    with pytest.raises(SpecError, match=r"patch at time, row, column \(0, 1, 0\).*Try at most \(1, 0, 1\)"):
        show_attention_spec(tiny.dit, patches.spec, conditioning.spec, 0, 1, 0)
    with pytest.raises(SpecError, match="Got a clip of 8 frames"):
        show_attention_spec(
            tiny.dit, replace(patches.spec, grids=((3, 1, 2),)), conditioning.spec, 0, 0, 0, ClipSpec(8, 16, 32, 8.0)
        )
    with pytest.raises(SpecError, match="2 clips packed together"):
        show_attention_spec(tiny.dit, replace(patches.spec, grids=((2, 1, 2),) * 2), conditioning.spec, 0, 0, 0)
    with pytest.raises(ValueError, match="Got block 2; this DiT has 1"):
        show_attention(tiny.dit, patches, conditioning, ctx=bench, block=2)
