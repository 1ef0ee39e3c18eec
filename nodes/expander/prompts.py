"""Prompts as people write them, for the expander's training: parts of a scene, in any order, small words left out."""

from __future__ import annotations

import random

from nodes.world import captions
from nodes.world.scene import Scene, Thing


def prompt_and_caption(scene: Scene, rng: random.Random) -> tuple[str, str]:
    """A prompt that says the scene or a part of it, and a descriptive caption with the same nouns."""
    if rng.random() < 0.15:
        prompt = captions.caption(scene, rng, long=True)
    elif rng.random() < 0.3:
        prompt = captions.caption(scene, rng, long=False)
    else:
        prompt = fragment(scene, rng)
    nouns = {noun for names in captions.NOUNS.values() for noun in names} & set(prompt.replace(".", "").split())
    for _ in range(12):
        caption = captions.caption(scene, rng, long=True)
        if nouns <= set(caption.replace(".", "").split()):
            break
    return prompt, caption


def fragment(scene: Scene, rng: random.Random) -> str:
    """A part of what a scene shows: a noun, or the place alone, and each other fact perhaps."""
    where = rng.choice(captions.BACKGROUND_PHRASES[scene.background][rng.random() < 0.2])
    if rng.random() < 0.03:
        return where
    first, *_ = scene.things
    between, _ = captions.PASS_PHRASES.get(first.lane, ("and", ()))
    things = f" {between} ".join(_thing(thing, rng) for thing in scene.things)
    if scene.camera != "fixed":
        where = f"{where}, {rng.choice(rng.choice(captions.CAMERA_PHRASES[scene.camera]))}"
    elif rng.random() < 0.35:
        return things
    return f"{where} {things}" if rng.random() < 0.15 else f"{things} {where}"


def _thing(thing: Thing, rng: random.Random) -> str:
    """Stripes and dots, and a camera that moves, are always told: what is not asked for is never added."""
    words = [rng.choice(captions.NOUNS[thing.shape])]
    if thing.pattern != "plain" or rng.random() < 0.85:
        words.insert(0, thing.colour)
    if thing.pattern != "plain":
        words.insert(0, rng.choice(captions.PATTERN_WORDS[thing.pattern]))
    if rng.random() < 0.3 and thing.motion not in ("grow", "shrink"):
        words.insert(0, rng.choice(captions.SIZE_WORDS[thing.size]))
    if rng.random() < 0.75:
        words.insert(0, "an" if words[0][0] in "aeiou" else "a")
    if rng.random() < 0.65 and thing.lane != "middle":
        words.append(rng.choice(rng.choice(captions.MOTION_PHRASES[thing.motion])))
    if thing.lane in captions.BESIDE and rng.random() < 0.5:
        words.append(captions.BESIDE[thing.lane])
    return " ".join(words)
