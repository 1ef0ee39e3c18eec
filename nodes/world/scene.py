"""What there is to see in a clip: a few coloured things, each in motion, before a background. No torch here."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

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
PATTERNS = ("plain", "striped", "dotted")
CAMERAS = ("fixed", "pan left", "pan right", "zoom in", "zoom out")
# Where a move of the camera can be told from a move of the things.
CAMERA_MOTIONS = ("bounce", "orbit", "spin", "still")
CAMERA_BACKGROUNDS = ("night", "sunset", "sea", "meadow", "snow")

# A thing keeps to its lane: the part of the frame that it may move in.
LANES = ("whole", "left", "right", "top", "bottom", "behind", "front", "middle")
LANE_MOTIONS: dict[str, tuple[str, ...]] = {
    "whole": MOTIONS,
    "left": ("up", "down", "bounce", "spin", "grow", "shrink", "fall", "still"),
    "right": ("up", "down", "bounce", "spin", "grow", "shrink", "fall", "still"),
    "top": ("right", "left", "spin", "grow", "shrink", "still"),
    "bottom": ("right", "left", "spin", "grow", "shrink", "still"),
    # One thing passes another, which stands in the middle.
    "behind": ("right", "left"),
    "front": ("right", "left"),
    "middle": ("still",),
}
PASSES = ("behind", "front")
HIDING_SHAPES = ("circle", "square", "heart")
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
    pattern: str = "plain"


@dataclass(frozen=True)
class Scene:
    """Everything that a clip shows. Two things are ordered left to right, or top to bottom, by their lanes; of a thing
    that passes another, the one that moves comes first.

    `variant` in [0, 1) and `mirrored` vary a background's details (where the sun stands, how the hills roll).
    """

    things: tuple[Thing, ...]
    background: str
    variant: float = 0.0
    mirrored: bool = False
    duration: float = DURATION
    camera: str = "fixed"


def held_out(colour: str, shape: str, motion: str) -> bool:
    """Whether this combination is never trained on, so that composing it can be measured. One in ten is."""
    place = 3 * list(COLOURS).index(colour) + 5 * SHAPES.index(shape) + 7 * MOTIONS.index(motion)
    return place % 10 == 9


def visible(colour: str, background: str) -> bool:
    """Whether a thing of this colour stands out from the background."""
    return not (colour == "white" and background == "white")


def sample_scene(
    rng: random.Random, *, two: float = 0.2, passing: float = 0.12, plain: float = 0.7, held: bool = False
) -> Scene:
    """Draw a scene; from the held-out combinations if `held`.

    two: how often two things keep to their own sides. passing: how often one passes behind or in front of another.
    plain: the share of things without stripes or dots; and of fixed cameras, where the camera may move at all.
    """
    background = rng.choice(BACKGROUNDS)
    lanes = _sample_lanes(rng.random(), rng, two, passing)
    things: list[Thing] = []
    while len(things) < len(lanes):
        thing = _sample_thing(rng, lanes[len(things)], plain)
        fresh = all(thing.colour != other.colour and thing.shape != other.shape for other in things)
        wanted = thing.lane == "middle" or held_out(thing.colour, thing.shape, thing.motion) == held
        if fresh and wanted and visible(thing.colour, background):
            things.append(thing)
    scene = Scene(tuple(things), background, variant=rng.random(), mirrored=rng.random() < 0.5)
    return replace(scene, camera=rng.choice(CAMERAS[1:])) if camera_may_move(scene) and rng.random() > plain else scene


def lasting(scene: Scene, frames: int) -> Scene:
    """The scene with journeys as long as a clip of so many frames, and not shorter than two seconds."""
    return replace(scene, duration=max(DURATION, (frames - 1) / FRAMES_PER_SECOND))


def camera_may_move(scene: Scene) -> bool:
    """Whether a move of the camera could be told from the moves of the things."""
    return scene.background in CAMERA_BACKGROUNDS and all(
        thing.motion in CAMERA_MOTIONS and thing.lane not in (*PASSES, "middle") for thing in scene.things
    )


def _sample_lanes(chance: float, rng: random.Random, two: float, passing: float) -> tuple[str, ...]:
    if chance < two:
        return rng.choice((("left", "right"), ("top", "bottom")))
    return (rng.choice(PASSES), "middle") if chance < two + passing else ("whole",)


def _sample_thing(rng: random.Random, lane: str, plain: float) -> Thing:
    return Thing(
        colour=rng.choice(list(COLOURS)),
        shape=rng.choice(HIDING_SHAPES if lane == "middle" else SHAPES),
        size=rng.choice(list(SIZES)) if lane == "whole" else "medium" if lane == "middle" else "small",
        motion=rng.choice(LANE_MOTIONS[lane]),
        x=0.0 if lane == "middle" else rng.uniform(-1, 1),
        y=0.0 if lane == "middle" else rng.uniform(-1, 1) * (0.3 if lane in PASSES else 1.0),
        phase=rng.random(),
        clockwise=rng.random() < 0.5,
        lane=lane,
        pattern="plain" if rng.random() < plain else rng.choice(PATTERNS[1:]),
    )
