"""What a network makes of a text alone: made at a run's first step, and taken from there at the others. Exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from nodes.families.footprint import pays


class Once:
    """Layers of a network that see a text and nothing else, as its projections to keys and values in cross-attention.

    tokens, rows: how many of a clip's and of a text's go through the network.
    """

    def __init__(self, layers: Sequence[nn.Module], tokens: int, rows: int) -> None:
        self._layers = layers if pays(tokens, rows) else ()
        self._made: dict[tuple[nn.Module, int], Tensor] = {}

    @contextmanager
    def of(self, text: Tensor) -> Iterator[None]:
        """Around a forward that reads this very tensor, which is to live as long as this."""
        for layer in self._layers:
            layer.forward = self._instead(layer, id(text), layer.forward)
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.forward

    def _instead(self, layer: nn.Module, text: int, forward: Callable[..., Tensor]) -> Any:
        def run(*args: Any, **kwargs: Any) -> Tensor:
            if (layer, text) not in self._made:
                self._made[layer, text] = forward(*args, **kwargs)
            return self._made[layer, text]

        return run


def text_layers(network: nn.Module) -> list[nn.Module]:
    """Those of Wan's, SkyReels-V2's and LTX-Video's transformers; a picture shown beside the text counts as text.

    None of a network with compiled blocks: they would be compiled anew where a layer does something else.
    """
    if any(module._compiled_call_impl for module in network.modules()):
        return []
    found = dict(network.named_modules())
    ends = ("attn2.to_k", "attn2.to_v", "attn2.add_k_proj", "attn2.add_v_proj")
    whole = ("condition_embedder.text_embedder", "condition_embedder.image_embedder", "caption_projection")
    return [layer for name, layer in found.items() if layer is not None and (name in whole or name.endswith(ends))]
