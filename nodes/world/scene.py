"""What there is to see in a clip: a few coloured things, each in motion, before a background. No torch here."""

from __future__ import annotations

import random
from dataclasses import dataclass

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.89, 0.11, 0.13),
    "orange": (1.00, 0.50, 0.05),
    "yellow": (1.00, 0.87, 0.10),
    "green": (0.13, 0.68, 0.20),
    "cyan": (0.15, 0.85, 0.90),
    "blue": (0.13, 0.27, 0.92),
    "purple": (0.52, 0.16, 0.72),
    "pink": (1.00, 0.48, 0.74),
    "white": (0.97, 0.97, 0.97),
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "ring", "diamond")
# Radius in units of half the frame's short side.
SIZES: dict[str, float] = {"small": 0.34, "medium": 0.44, "large": 0.60}
MOTIONS = ("right", "left", "up", "down", "bounce", "orbit", "spin", "grow", "shrink", "fall", "still")
BACKGROUNDS = ("black", "white", "gray", "night", "sunset", "sea", "meadow", "snow")

# A thing keeps to its lane: the part of the frame that it may move in.
LANES = ("whole", "left", "right", "top", "bottom")
LANE_MOTIONS: dict[str, tuple[str, ...]] = {
    "whole": MOTIONS,
    "left": ("up", "down", "bounce", "spin", "grow", "shrink", "fall", "still"),
    "right": ("up", "down", "bounce", "spin", "grow", "shrink", "fall", "still"),
    "top": ("right", "left", "spin", "grow", "shrink", "still"),
    "bottom": ("right", "left", "spin", "grow", "shrink", "still"),
}
FRAMES_PER_SECOND = 8
DURATION = 2.0  # seconds: 17 frames


@dataclass(frozen=True)
class Thing:
    """One object. `x`, `y` in [-1, 1] place it within the room its lane leaves; `phase` in [0, 1) shifts its cycle."""

    colour: str
    shape: str
    size: str
    motion: str
    x: float = 0.0
    y: float = 0.0
    phase: float = 0.0
    clockwise: bool = True
    lane: str = "whole"


@dataclass(frozen=True)
class Scene:
    """Everything that a clip shows. Two things are ordered left to right, or top to bottom, by their lanes.

    `variant` in [0, 1) and `mirrored` vary a background's details (where the sun stands, how the hills roll).
    """

    things: tuple[Thing, ...]
    background: str
    variant: float = 0.0
    mirrored: bool = False
    duration: float = DURATION


def held_out(colour: str, shape: str, motion: str) -> bool:
    """Whether this combination is never trained on, so that composing it can be measured. One in ten is."""
    place = 3 * list(COLOURS).index(colour) + 5 * SHAPES.index(shape) + 7 * MOTIONS.index(motion)
    return place % 10 == 9


def visible(colour: str, background: str) -> bool:
    """Whether a thing of this colour stands out from the background."""
    return not (colour == "white" and background == "white")


def sample_scene(rng: random.Random, *, two: float = 0.2, held: bool = False) -> Scene:
    """Draw a scene: of two things with probability `two`, else of one; from the held-out combinations if `held`."""
    background = rng.choice(BACKGROUNDS)
    lanes = rng.choice((("left", "right"), ("top", "bottom"))) if rng.random() < two else ("whole",)
    things: list[Thing] = []
    while len(things) < len(lanes):
        thing = _sample_thing(rng, lanes[len(things)])
        fresh = all(thing.colour != other.colour and thing.shape != other.shape for other in things)
        wanted = held_out(thing.colour, thing.shape, thing.motion) == held
        if fresh and wanted and visible(thing.colour, background):
            things.append(thing)
    return Scene(tuple(things), background, variant=rng.random(), mirrored=rng.random() < 0.5)


def _sample_thing(rng: random.Random, lane: str) -> Thing:
    return Thing(
        colour=rng.choice(list(COLOURS)),
        shape=rng.choice(SHAPES),
        size=rng.choice(list(SIZES)) if lane == "whole" else "small",
        motion=rng.choice(LANE_MOTIONS[lane]),
        x=rng.uniform(-1, 1),
        y=rng.uniform(-1, 1),
        phase=rng.random(),
        clockwise=rng.random() < 0.5,
        lane=lane,
    )
