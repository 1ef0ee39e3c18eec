"""The prompts that are measured on: fixed in `prompts.json` before the models that are measured were trained.

Every list is half short and half long prompts, and any first N of one are as even. `python -m benchmarks.prompts`
draws them anew from the world's grammar.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nodes.world.captions import caption
from nodes.world.scene import Scene, Thing, sample_scene

LIST = Path(__file__).with_suffix(".json")


@dataclass(frozen=True)
class Asked:
    """A prompt, the scene that it describes, and whether that scene's combination is kept out of all training."""

    prompt: str
    scene: Scene
    held_out: bool


def fixed_prompts(name: str, count: int | None = None) -> list[Asked]:
    """The first `count` of a committed list (all of them for None), which is one of `LISTS`."""
    rows = json.loads(LIST.read_text())[name]
    if count is not None and not 1 <= count <= len(rows):
        raise ValueError(f"got {count} prompts to measure on; the list {name!r} holds {len(rows)}. Ask for 1 to that.")
    return [_read(row) for row in rows[:count]]


def draw(name: str) -> list[Asked]:
    """A list by its fixed seed."""
    rng = random.Random(f"prompts, version 2: {name}")
    count, held, sample = LISTS[name]
    asked = []
    for i in range(count):
        scene = sample(rng, held)
        asked.append(Asked(caption(scene, rng, long=i % 2 == 1), scene, held))
    return asked


def _one(rng: random.Random, held: bool) -> Scene:
    return sample_scene(rng, two=0, passing=0, held=held)


def _two(rng: random.Random, held: bool) -> Scene:
    """Two things, each on its side of the frame. The camera is fixed: moved, it would take them out of their sides."""
    return replace(sample_scene(rng, two=1, passing=0, held=held), camera="fixed")


def _hidden(rng: random.Random, held: bool) -> Scene:
    """A thing that goes behind another and comes out."""
    mover, foil = (scene := sample_scene(rng, two=0, passing=1, held=held)).things
    return replace(scene, things=(replace(mover, lane="behind"), foil))


LISTS: dict[str, tuple[int, bool, Callable[[random.Random, bool], Scene]]] = {
    "held out": (256, True, _one),
    "trained": (64, False, _one),
    "two things": (64, True, _two),
    "hidden": (64, True, _hidden),
}
"""Name -> how many, whether of combinations that are kept out of training, and what scenes."""


def _read(row: dict[str, object]) -> Asked:
    scene = dict(row["scene"])  # type: ignore[call-overload]
    things = tuple(Thing(**thing) for thing in scene.pop("things"))
    return Asked(str(row["prompt"]), Scene(things, **scene), bool(row["held_out"]))


def main() -> None:
    """Write the lists, a prompt a line."""
    lists = {name: "[\n" + ",\n".join(json.dumps(asdict(asked)) for asked in draw(name)) + "\n]" for name in LISTS}
    LIST.write_text("{" + ",\n".join(f"{json.dumps(name)}: {rows}" for name, rows in lists.items()) + "}\n")


if __name__ == "__main__":
    main()
