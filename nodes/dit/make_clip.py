"""A clip from a text, with modules that are at hand: what a training shows of itself, by the nodes of a workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assets.values import Clip, DiT, ModelHandle, TextEncoder, VideoVAE
from assets.values import Text as TextValue
from nodes.dit.nodes import sample
from nodes.patches.nodes import noise_patches, unpatchify
from nodes.text_encoder.nodes import encode_text
from nodes.video_vae.nodes import decode_latent


@dataclass(frozen=True)
class AtHand:
    """A context for nodes that run outside an app: the modules are given, nothing is reported or kept."""

    modules: Mapping[type[ModelHandle], Any]
    device: str = "cpu"

    def steps(self, total: int, done: int = 0) -> Iterator[int]:
        yield from range(done, total)

    def preview(self, value: object) -> None:
        pass

    def model(self, handle: ModelHandle) -> Any:
        return self.modules[type(handle)]

    def keep(self, state: object) -> None:
        pass

    def kept(self) -> list[dict[str, Any]]:
        return []

    def levers(self, said: str) -> None:
        pass


def make_clip(
    ctx: AtHand,
    dit: DiT,
    text_encoder: TextEncoder,
    vae: VideoVAE,
    text: str,
    *,
    size: tuple[int, int, int] = (17, 64, 64),
    steps: int = 16,
    guidance: float = 4.0,
    seed: int = 0,
) -> Clip:
    """A clip of `size` (frames, height, width) that shows the text; the handles say what fits together."""
    frames, height, width = size
    canvas = noise_patches(dit, vae, width=width, height=height, frames=frames)
    conditioning = encode_text(text_encoder, TextValue(text), ctx=ctx)
    sampled = sample(dit, canvas, conditioning, ctx=ctx, seed=seed, steps=steps, guidance=guidance)
    clip: Clip = decode_latent(vae, unpatchify(sampled.patches), ctx=ctx)
    return clip
