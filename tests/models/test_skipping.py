"""Steps that leave most blocks out, with the transformer of each family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_cogvideox
import tiny_hunyuan
import tiny_ltx
import tiny_mochi
import tiny_skyreels
import tiny_wan
import torch
from bench import Bench, loaded
from parity import PROMPT, SIZE
from torch import nn

from assets.codec import encode
from assets.values import Text
from nodes.context import Cancelled
from nodes.dit.nodes import Sampled, sample
from nodes.families.formats.precision import networks
from nodes.families.registry import components
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text

FAMILIES: dict[str, Callable[[Path], Path]] = {
    "wan": tiny_wan.write_text_to_video,
    "two experts": lambda folder: tiny_wan.write_text_to_video(folder, experts=2, boundary=0.6),
    "skyreels": lambda folder: tiny_skyreels.write(folder, forced=True),
    "ltx": tiny_ltx.write,
    "cogvideox": lambda folder: tiny_cogvideox.write(folder, "2b"),
    "hunyuan": lambda folder: tiny_hunyuan.write(folder, guidance=False),
    "mochi": tiny_mochi.write,
}
STEPS = 6
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")
SIZES = {"ltx": {"frames": 9, "height": 64, "width": 64}, "mochi": {"frames": 7, "height": 32, "width": 48}}


@pytest.fixture(scope="module", params=FAMILIES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Sampled]:
    models = components(FAMILIES[request.param](tmp_path_factory.mktemp("models") / "m"))
    text = encode_text(models.text_encoder, Text(PROMPT), ctx=Bench())
    canvas = noise_patches(models.dit, models.vae, **SIZES.get(request.param, SIZE))
    asked = {"steps": STEPS, "guidance": 3.0, "shift": 0}

    def made(lossy_skip: float, bench: Bench | None = None) -> Sampled:
        result: Sampled = sample(models.dit, canvas, text, None, ctx=bench or Bench(), lossy_skip=lossy_skip, **asked)
        return result

    made.dit = loaded(models.dit)  # type: ignore[attr-defined]
    return made


def last_blocks(dit: nn.Module) -> list[nn.Module]:
    """Of each network in a family's module."""
    lists = ("single_transformer_blocks", "transformer_blocks", "blocks")
    return [next(getattr(network, name)[-1] for name in lists if hasattr(network, name)) for network in networks(dit)]


def runs(dit: nn.Module, work: Callable[[], Sampled]) -> tuple[Sampled, int]:
    """What it makes, and how often the last blocks were run."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    # The attention within: a block that is left out is called, but does nothing.
    inner = [
        next(layer for name, layer in block.named_modules() if name.endswith(("to_q", "to_qkv")))
        for block in last_blocks(dit)
    ]
    hooks = [layer.register_forward_hook(counted) for layer in inner]
    try:
        return work(), count
    finally:
        for hook in hooks:
            hook.remove()


def test_at_a_threshold_that_is_always_reached_nothing_is_left_out_or_changed(run: Callable[..., Sampled]) -> None:
    plain, as_many = runs(run.dit, lambda: run(0.0))  # type: ignore[attr-defined]
    never, all_of_them = runs(run.dit, lambda: run(1e-12))  # type: ignore[attr-defined]
    assert as_many == all_of_them > 0
    assert encode(never.patches) == encode(plain.patches)


def test_steps_that_change_little_leave_most_blocks_out(run: Callable[..., Sampled]) -> None:
    plain, all_of_them = runs(run.dit, lambda: run(0.0))  # type: ignore[attr-defined]
    skipped, some = runs(run.dit, lambda: run(1e9))  # type: ignore[attr-defined]
    assert some * 3 <= all_of_them
    assert encode(skipped.patches) != encode(plain.patches)
    one, other = (torch.as_tensor(made.patches.tokens) for made in (plain, skipped))
    assert float((one - other).abs().mean()) < float(one.std())


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_an_interrupted_run_that_leaves_blocks_out_ends_bit_for_bit_the_same(
    run: Callable[..., Sampled], stop: int
) -> None:
    threshold = 0.3
    whole = run(threshold)
    broken_off = Bench(stop_at=stop)
    with pytest.raises(Cancelled):
        run(threshold, broken_off)
    again = Bench(kept_before=broken_off.steps_kept)
    assert encode(run(threshold, again).trajectory) == encode(whole.trajectory)
    assert len(again.steps_kept) == STEPS - stop
