"""Viewers: a value passes through, and is seen large."""

from typing import Annotated

from assets.values import Clip, ClipSpec, Latent, LatentSpec
from nodes.api import node


def preview_clip_spec(clip: ClipSpec) -> ClipSpec:
    return clip


@node(version=1, category="output", spec=preview_clip_spec, label="Preview", keywords=("view", "player", "show"))
def preview_clip(clip: Annotated[Clip, "What is to be seen."]) -> Clip:
    """Play a clip, or show an image."""
    return clip


def preview_latent_spec(latent: LatentSpec) -> LatentSpec:
    return latent


@node(version=1, category="output", spec=preview_latent_spec, keywords=("view", "show", "rgb"))
def preview_latent(latent: Annotated[Latent, "What is to be seen."]) -> Latent:
    """Show a latent in colour, one picture a latent frame."""
    return latent
