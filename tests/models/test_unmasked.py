"""No family's transformer hides anything from attention over a clip: the fast kernels of a GPU take no mask."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tiny_hunyuan
import torch
import torch.nn.functional as F
from bench import Bench, loaded
from parity import PROMPT, SIZE
from test_skipping import FAMILIES, SIZES
from torch import nn
from torch.overrides import TorchFunctionMode

from assets.codec import encode
from assets.values import Text
from nodes.dit.nodes import sample
from nodes.families.formats.precision import networks
from nodes.families.registry import Components, components
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text

pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")


class Masks(TorchFunctionMode):
    """Counts calls of attention, and those with a mask, while a block runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.within, self.calls, self.masked = False, 0, 0

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function is F.scaled_dot_product_attention and self.within:
            self.calls += 1
            self.masked += (args[3] if len(args) > 3 else kwargs.get("attn_mask")) is not None
        return function(*args, **kwargs)

    def around(self, block: nn.Module, stack: ExitStack) -> None:
        def within(value: bool) -> Callable[..., None]:
            return lambda *_: setattr(self, "within", value)

        stack.callback(block.register_forward_pre_hook(within(True)).remove)
        stack.callback(block.register_forward_hook(within(False)).remove)


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_over_a_clip_has_no_mask(family: str, tmp_path: Path) -> None:
    models = components(FAMILIES[family](tmp_path / "m"))
    masks = Masks()
    with masks, ExitStack() as stack:
        for block in blocks(loaded(models.dit)):
            masks.around(block, stack)
        sampled(models, SIZES.get(family, SIZE))
    assert masks.calls
    assert not masks.masked


def test_a_mask_that_hides_nothing_changes_nothing(tmp_path: Path) -> None:
    models = components(tiny_hunyuan.write(tmp_path / "m", guidance=False))
    module = loaded(models.dit)
    without = sampled(models, SIZE)
    hooks = [block._forward_pre_hooks.copy() for block in module.blocks]
    for block in module.blocks:
        block._forward_pre_hooks.clear()
    try:
        masked = sampled(models, SIZE)
    finally:
        for block, hook in zip(module.blocks, hooks, strict=True):
            block._forward_pre_hooks.update(hook)
    torch.testing.assert_close(torch.as_tensor(without), torch.as_tensor(masked), rtol=0, atol=1e-5)


def blocks(dit: nn.Module) -> list[nn.Module]:
    """Those that look at a clip; others read the text alone."""
    lists = ("single_transformer_blocks", "transformer_blocks", "blocks")
    return [block for network in networks(dit) for name in lists for block in getattr(network, name, ())]


def sampled(models: Components, size: dict[str, int]) -> Any:
    text = encode_text(models.text_encoder, Text(PROMPT), ctx=Bench())
    canvas = noise_patches(models.dit, models.vae, **size)
    made = sample(models.dit, canvas, text, None, ctx=Bench(), steps=2, guidance=3.0, shift=0)
    assert encode(made.patches)
    return made.patches.tokens
