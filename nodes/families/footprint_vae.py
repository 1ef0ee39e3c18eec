"""How many bytes a video VAE's work takes beside its weights, before it is loaded. No torch here."""

from typing import Any, NamedTuple

from assets.values import ClipSpec, LatentSpec, VideoVAE
from nodes.video_vae.sizes import clip_length

SHARED = {"skyreels": "wan", "framepack": "hunyuan"}
"""Families that work in another's latents, with its VAE."""
HUNYUAN_LOOKS = 10.2
"""Bytes for each pair of places in the attention of HunyuanVideo's VAE, over all latent frames at once."""


class Alive(NamedTuple):
    """Bytes alive at most for each pixel of a frame: those in float32 whatever the weights are, and how many numbers in
    the type that is computed in. at_once: latent frames that make so much together; 0: these are for each frame of a
    clip that is worked on as a whole.
    """

    whole: float
    numbers: float
    at_once: int


# Counted over both ways of each at its published sizes (tests/models/test_footprint_vae.py): decode, encode.
ALIVE: dict[str, tuple[Alive, Alive]] = {
    "wan": (Alive(785, 4753, 2), Alive(1750, 3090, 2)),
    "wan residual": (Alive(0, 5463, 2), Alive(900, 1725, 2)),
    "hunyuan": (Alive(0, 19735, 5), Alive(7354, 9326, 5)),
    "cogvideox": (Alive(0, 22890, 3), Alive(252, 10055, 3)),
    "ltx": (Alive(63, 18.5, 0), Alive(75, 21.4, 0)),
    "mochi": (Alive(0, 30283, 4), Alive(12, 428, 0)),
}
WIDTHS = {"wan": 96, "wan residual": 160, "hunyuan": 128, "cogvideox": 128, "ltx": 128, "mochi": 64}
"""Channels of the finest level that they were counted with."""


def vae_work(vae: VideoVAE, seen: ClipSpec | LatentSpec, config: dict[str, Any], number: int) -> int | None:
    """Bytes of decoding a latent, or encoding a clip; None for a family that was not counted.

    config: of diffusers' class. number: bytes of one that is computed with.
    """
    family = SHARED.get(vae.family, vae.family)
    kind = "wan residual" if config.get("is_residual") else family
    if kind not in ALIVE:
        return None
    decode, encode = ALIVE[kind]
    _, high, wide = vae.stride
    match seen:
        case LatentSpec():
            alive, rows, frames = decode, seen.frames, clip_length(vae, seen.frames)
            cells = seen.height * seen.width
        case ClipSpec():
            alive, rows, frames = encode, 1 + (seen.frames - 1) // vae.stride[0], seen.frames
            cells = (seen.height // high) * (seen.width // wide)
    pixel = (alive.whole + alive.numbers * number) * _width(config) / WIDTHS[kind]
    together = min(rows, alive.at_once) / alive.at_once if alive.at_once else frames
    looks = HUNYUAN_LOOKS * (min(rows, alive.at_once) * cells) ** 2 if kind == "hunyuan" else 0
    return int(max(cells * high * wide * pixel * together, looks))


def _width(config: dict[str, Any]) -> int:
    """Channels of the finest level."""
    if "base_dim" in config:
        return int(config["base_dim"])
    return int((config.get("encoder_block_out_channels") or config["block_out_channels"])[0])
