"""Whether captions tell the facts of the scenes that they were written for. No torch here."""

from __future__ import annotations

from collections.abc import Sequence

from nodes.world.captions import read
from nodes.world.scene import Scene

THING_FACTS = ("colour", "shape", "motion")


def facts_right(texts: Sequence[str], scenes: Sequence[Scene]) -> dict[str, float]:
    """The share of texts that tell each fact of all of the scene's things right, and that tell all facts right."""
    right = dict.fromkeys((*THING_FACTS, "background", "all"), 0)
    for text, scene in zip(texts, scenes, strict=True):
        said = read(text)
        truth = tuple((thing.colour, thing.shape, thing.motion) for thing in scene.things)
        for i, name in enumerate(THING_FACTS):
            right[name] += [thing[i] for thing in said.things] == [thing[i] for thing in truth]
        right["background"] += said.background == scene.background
        right["all"] += said.things == truth and said.background == scene.background
    return {name: count / len(scenes) for name, count in right.items()}
