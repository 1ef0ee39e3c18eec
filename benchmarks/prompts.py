"""The prompts that adherence is measured on: fixed in `prompts.json` before any model was trained.

A quarter each: short and long, of trained and of held-out combinations of colour, shape and motion; any first N of the
list are as even. `python -m benchmarks.prompts` draws them anew from the world's grammar.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path

from nodes.world.captions import caption
from nodes.world.scene import Scene, Thing, sample_scene

LIST = Path(__file__).with_suffix(".json")
COUNT = 64


@dataclass(frozen=True)
class Asked:
    """A prompt, the scene that it describes, and whether that scene's combination is kept out of all training."""

    prompt: str
    scene: Scene
    held_out: bool

    @property
    def facts(self) -> dict[str, str]:
        """What a judge is to see: attribute -> value."""
        (thing,) = self.scene.things
        return {
            "colour": thing.colour,
            "background": self.scene.background,
            "shape": thing.shape,
            "motion": thing.motion,
        }


def fixed_prompts(count: int = COUNT) -> list[Asked]:
    """The first `count` of the committed list."""
    if not 1 <= count <= COUNT:
        raise ValueError(f"got {count} prompts to measure on; the list holds {COUNT}. Ask for 1 to {COUNT}.")
    return [_read(row) for row in json.loads(LIST.read_text())[:count]]


def draw() -> list[Asked]:
    """64 prompts of one thing each, by a fixed seed."""
    rng = random.Random("adherence, version 1")
    asked = []
    for i in range(COUNT):
        scene = sample_scene(rng, two=0, held=i % 4 >= 2)
        asked.append(Asked(caption(scene, rng, long=i % 2 == 1), scene, held_out=i % 4 >= 2))
    return asked


def _read(row: dict[str, object]) -> Asked:
    scene = dict(row["scene"])  # type: ignore[call-overload]
    things = tuple(Thing(**thing) for thing in scene.pop("things"))
    return Asked(str(row["prompt"]), Scene(things, **scene), bool(row["held_out"]))


if __name__ == "__main__":
    LIST.write_text(json.dumps([asdict(asked) for asked in draw()], indent=1) + "\n")
