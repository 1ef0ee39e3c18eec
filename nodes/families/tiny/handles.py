"""Handles of tiny decoders, which stand in for a family's video VAE: quick, and lossy. No torch here."""

import hashlib
from pathlib import Path

from assets.values import DiT, VideoVAE
from assets.weight_files import WeightsRefused, weights_digest
from nodes.families.registry import NAMES, components
from nodes.families.tiny.files import FAMILY, TinyFile


def vae_of(tiny: TinyFile, dit: DiT | None) -> VideoVAE:
    """dit: what it is for, where the file leaves that open. WeightsRefused where they do not go together."""
    name, kind = tiny.path.name, tiny.kind
    if dit is None:
        if kind is None or kind.space.endswith("-"):
            raise WeightsRefused(
                f"{name} holds a tiny decoder that leaves open which model's latents it decodes; it needs the DiT that "
                "it is for. Wire it into this node."
            )
        return _handle(tiny, kind.space)
    used = components(Path(dit.path)).vae if dit.family in NAMES else None
    if (
        used is None
        or (used.channels, used.stride) != (tiny.channels, tiny.stride)
        or (kind and not tiny.decodes(used.space))
    ):
        told = kind.label if kind else f"models with {tiny.channels} channels, {tiny.stride} pixels a latent cell"
        raise WeightsRefused(
            f"{name} holds a tiny decoder for {told}; this DiT works on {dit.space!r}. Choose the one that fits it."
        )
    return _handle(tiny, used.space, used.together, used.lead)


def _handle(tiny: TinyFile, space: str, together: int = 1, lead: int = 0) -> VideoVAE:
    digest = hashlib.sha256(f"{weights_digest(tiny.path)} {space} {lead}".encode()).hexdigest()
    return VideoVAE(FAMILY, str(tiny.path), digest, space, tiny.channels, tiny.stride, together, lead)
