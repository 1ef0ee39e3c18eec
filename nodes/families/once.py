"""What a network makes of a text alone: made once a run, before its first step, and taken from there. Exact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType

from torch import Tensor, nn

from nodes.families.footprint import pays
from nodes.streaming import is_streamed

READERS = {
    "condition_embedder.text_embedder": ("attn2.to_k", "attn2.to_v"),
    "caption_projection": ("attn2.to_k", "attn2.to_v"),
    "condition_embedder.image_embedder": ("attn2.add_k_proj", "attn2.add_v_proj"),
}
"""What reads a text, or a picture shown beside it, and the projections to keys and values that see what it reads."""


class Once:
    """Layers of a network that see a text and nothing else, as its projections to keys and values in cross-attention.

    tokens, rows: how many of a clip's and of a text's go through the network. image: that is shown beside each text.
    """

    def __init__(self, network: nn.Module, tokens: int, rows: int, image: Tensor | None = None) -> None:
        self._layers = text_layers(network) if pays(tokens, rows) else {}
        self._image = image
        self._made: dict[int, dict[nn.Module, Tensor]] = {}

    @contextmanager
    def of(self, text: Tensor) -> Iterator[None]:
        """Around a forward that reads this very tensor, which is to live as long as this."""
        if id(text) not in self._made:
            self._made[id(text)] = self._read(text)
        made = self._made[id(text)]
        for layer, kept in made.items():
            layer.kept, layer.forward = kept, MethodType(_kept, layer)
        try:
            yield
        finally:
            for layer in made:
                del layer.kept, layer.forward

    def _read(self, text: Tensor) -> dict[nn.Module, Tensor]:
        made: dict[nn.Module, Tensor] = {}
        for reader, layers in self._layers.items():
            seen = self._image if reader.endswith("image_embedder") else text
            if seen is not None:
                made[layers[0]] = read = layers[0](seen)
                made.update((layer, layer(read)) for layer in layers[1:])
        return made


def text_layers(network: nn.Module) -> dict[str, list[nn.Module]]:
    """Those of Wan's, SkyReels-V2's and LTX-Video's transformers: what reads, and what sees that, by its name.

    None where weights are streamed: those of a block are there only while it works.
    """
    found = {} if is_streamed(network) else dict(network.named_modules())
    return {
        reader: [found[reader], *(layer for name, layer in found.items() if layer and name.endswith(ends))]
        for reader, ends in READERS.items()
        if found.get(reader)
    }


def _kept(layer: nn.Module, _: Tensor) -> Tensor:
    """A layer's forward: one for all, so that blocks which are compiled with it are compiled once."""
    kept: Tensor = layer.kept  # type: ignore[assignment]
    return kept
