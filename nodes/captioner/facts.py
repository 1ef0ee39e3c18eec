"""Whether captions tell the facts of the scenes that they were written for. No torch here."""

from __future__ import annotations

from collections.abc import Sequence

from nodes.world.captions import read
from nodes.world.scene import PASSES, Scene

THING_FACTS = ("colour", "shape", "motion", "pattern")
SCENE_FACTS = ("background", "camera", "passes")


def facts_right(texts: Sequence[str], scenes: Sequence[Scene]) -> dict[str, float]:
    """The share of texts that tell each fact right (of all of the scene's things), and that tell all facts right."""
    right = dict.fromkeys((*THING_FACTS, *SCENE_FACTS, "all"), 0)
    for text, scene in zip(texts, scenes, strict=True):
        told = told_right(text, scene)
        for name, agrees in told.items():
            right[name] += agrees
        right["all"] += all(told.values())
    return {name: count / len(scenes) for name, count in right.items()}


def told_right(text: str, scene: Scene) -> dict[str, bool]:
    """Whether a text tells each fact right. That a thing which is passed stands still goes without saying."""
    said, (first, *_) = read(text), scene.things
    things = [
        (*thing[:2], thing[2] or ("still" if said.passes and number else None), pattern)
        for number, (thing, pattern) in enumerate(zip(said.things, said.patterns, strict=True))
    ]
    truth = [tuple(getattr(thing, name) for name in THING_FACTS) for thing in scene.things]
    told = {name: [thing[i] for thing in things] == [thing[i] for thing in truth] for i, name in enumerate(THING_FACTS)}
    return told | {
        "background": said.background == scene.background,
        "camera": said.camera == scene.camera,
        "passes": said.passes == (first.lane if first.lane in PASSES else None),
    }
