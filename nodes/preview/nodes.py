"""Viewers: a value passes through and is seen large, or becomes a clip that shows what is in it."""

import math
from typing import Annotated, Literal

from assets.images import LABEL_HEIGHT, contact_sheet
from assets.values import Clip, ClipSpec, Latent, LatentSpec, Trajectory, TrajectorySpec
from nodes.api import node
from nodes.preview import colours, steps
from nodes.preview.drawing import drawn_by


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


PANEL = 96


def show_latent_spec(latent: LatentSpec, view: str) -> ClipSpec:
    fps = colours.latent_fps(latent.fps)
    if view != "channels":
        factor = colours.enlargement(latent.height, latent.width)
        return ClipSpec(latent.frames, factor * latent.height, factor * latent.width, fps)
    factor, across = colours.enlargement(latent.height, latent.width, PANEL), _columns(latent.channels)
    panel = factor * latent.height + LABEL_HEIGHT
    return ClipSpec(latent.frames, math.ceil(latent.channels / across) * panel, across * factor * latent.width, fps)


@node(
    version=1,
    category="preview",
    spec=show_latent_spec,
    content=drawn_by,
    keywords=("pca", "components", "channels", "rgb", "view"),
)
def show_latent(
    latent: Annotated[Latent, "What is to be looked into."],
    *,
    view: Annotated[
        Literal["colour", "components", "channels"],
        "colour: the clip, drawn small. components: the three principal ones. channels: each by itself, in grey.",
    ] = "components",
) -> Clip:
    """Show what a latent holds: its colours, its principal components (PCA), or each of its channels."""
    if view == "colour":
        return colours.coloured(latent)
    if view == "components":
        return colours.shown(colours.components(latent), latent)
    panels = [colours.shown(frames, latent, PANEL) for frames in colours.channels(latent)]
    return contact_sheet(panels, _columns(len(panels)), [str(number) for number in range(len(panels))])


def _columns(panels: int) -> int:
    return math.ceil(math.sqrt(panels))


def show_steps_spec(trajectory: TrajectorySpec, layout: steps.Layout) -> ClipSpec:
    return steps.steps_spec(trajectory, layout)


@node(
    version=1,
    category="preview",
    spec=show_steps_spec,
    content=drawn_by,
    keywords=("trajectory", "denoising", "sampler", "strip", "animation", "view"),
)
def show_steps(
    trajectory: Annotated[Trajectory, "The sampler's second output."],
    *,
    layout: Annotated[steps.Layout, "Eight steps that play beside one another, or a picture a step."] = "side by side",
    state: Annotated[steps.Which, "foreseen: what each step aims at. noisy: what it leaves."] = "foreseen",
) -> Clip:
    """Show how a clip came out of the noise, step by step."""
    return (steps.side_by_side if layout == "side by side" else steps.one_by_one)(trajectory, state)
