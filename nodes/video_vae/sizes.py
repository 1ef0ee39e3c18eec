"""Which clips a video VAE can encode, and the sentences for those that it can't. No torch here."""

from assets.values import VideoVAE
from nodes.api import SpecError


def latent_size(vae: VideoVAE, frames: int, height: int, width: int) -> tuple[int, int, int]:
    """(t, h, w) of the latent of a clip; SpecError where the VAE's stride does not fit it."""
    time, *sides = vae.stride
    time *= vae.together
    if (frames - 1) % time:
        below = 1 + (frames - 1) // time * time
        raise SpecError(
            f"The VAE got {frames} frames; it needs 1 + {time}k, since the first frame stands alone and the others "
            f"go by {time}. Try {below} (the trim node cuts to it) or {below + time}."
        )
    rows, columns = (require_side(*side) for side in zip(("high", "wide"), (height, width), sides, strict=True))
    return vae.lead + 1 + (frames - 1) // vae.stride[0], rows, columns


def clip_length(vae: VideoVAE, latent_frames: int) -> int:
    """How many frames a latent decodes to; SpecError where the VAE has no latents of that length."""
    later = latent_frames - vae.lead - 1
    if later < 0 or later % vae.together:
        below = vae.lead + 1 + max(0, later // vae.together * vae.together)
        raise SpecError(
            f"Got a latent of {latent_frames} frames; this VAE decodes {vae.lead + 1} + {vae.together}k of them. "
            f"Try {below} or {below + vae.together}: a canvas of another length."
        )
    return 1 + later * vae.stride[0]


def require_side(name: str, pixels: int, unit: int) -> int:
    """How many units of `unit` pixels a side has; SpecError where they do not fill it."""
    if pixels % unit or pixels == 0:
        below = max(unit, pixels // unit * unit)
        tries = f"{below}" if below > pixels else f"{below} or {below + unit}"
        raise SpecError(
            f"Got a clip {pixels} pixels {name}; that side must be a multiple of {unit}. Try {tries} (resize, crop)."
        )
    return pixels // unit


def require_space(what: str, wants: str, got: str) -> None:
    """SpecError unless two sides of a wire speak of the same latent space."""
    if wants != got:
        raise SpecError(
            f"Got latents of the space {got!r}; this {what} needs {wants!r}. Use models of one family, "
            "or decode with the one VAE and encode with the other."
        )
