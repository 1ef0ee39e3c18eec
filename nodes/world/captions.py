"""Say a scene in words, exactly: short and long captions in several phrasings, and read them back. No torch here.

All wording lives in the tables below. Every phrase of a table is unlike every phrase of another value's, so that a
caption can be read back by looking for the phrases.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from nodes.world.scene import COLOURS, Scene, Thing

NOUNS: dict[str, tuple[str, ...]] = {
    "circle": ("ball", "ball", "circle"),
    "square": ("square", "square", "box"),
    "triangle": ("triangle",),
    "star": ("star",),
    "heart": ("heart",),
    "ring": ("ring", "ring", "hoop"),
    "diamond": ("diamond",),
}
SIZE_WORDS: dict[str, tuple[str, ...]] = {
    "small": ("small", "little", "tiny"),
    "medium": ("medium sized",),
    "large": ("large", "big"),
}
# (after a noun: "a ball ...", as a sentence: "it ...")
MOTION_PHRASES: dict[str, tuple[tuple[str, str], ...]] = {
    "right": (
        ("moving right", "moves right"),
        ("moving to the right", "moves to the right"),
        ("gliding from left to right", "glides from left to right"),
        ("sliding to the right", "slides to the right"),
    ),
    "left": (
        ("moving left", "moves left"),
        ("moving to the left", "moves to the left"),
        ("gliding from right to left", "glides from right to left"),
        ("sliding to the left", "slides to the left"),
    ),
    "up": (
        ("moving up", "moves up"),
        ("rising", "rises"),
        ("moving upwards", "moves upwards"),
        ("floating up", "floats up"),
    ),
    "down": (
        ("moving down", "moves down"),
        ("sinking slowly", "sinks slowly"),
        ("moving downwards", "moves downwards"),
        ("floating down", "floats down"),
    ),
    "bounce": (
        ("bouncing", "bounces"),
        ("bouncing up and down", "bounces up and down"),
        ("hopping up and down", "hops up and down"),
    ),
    "orbit": (
        ("moving in a circle", "moves in a circle"),
        ("circling around", "circles around"),
        ("orbiting", "orbits"),
        ("going around in circles", "goes around in circles"),
    ),
    "spin": (("spinning", "spins"), ("rotating", "rotates"), ("turning around itself", "turns around itself")),
    "grow": (("growing", "grows"), ("getting bigger", "gets bigger"), ("growing larger", "grows larger")),
    "shrink": (("shrinking", "shrinks"), ("getting smaller", "gets smaller"), ("becoming smaller", "becomes smaller")),
    "fall": (("falling", "falls"), ("falling down", "falls down"), ("dropping to the ground", "drops to the ground")),
    "still": (("standing still", "stands still"), ("resting", "rests"), ("staying still", "stays still")),
}
# (after a motion: "... bouncing <here>", as a description: "the background is <here>", with richer words)
BACKGROUND_PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "black": (
        ("on a black background", "on black", "in front of a black background", "in the dark"),
        ("a plain black background", "completely black"),
    ),
    "white": (
        ("on a white background", "on white", "in front of a white background"),
        ("a plain white background", "clean and white"),
    ),
    "gray": (
        ("on a gray background", "on gray", "in front of a gray background"),
        ("a plain gray background", "an even gray wall"),
    ),
    "night": (
        ("in a starry night", "under a starry sky", "in the night sky", "at night under the stars"),
        ("a dark blue night sky with twinkling stars", "a starry night sky"),
    ),
    "sunset": (
        ("at sunset", "in front of a sunset", "in the evening sun", "before an orange sunset"),
        ("a glowing orange sunset over dark water", "a sunset with a low sun and a purple sky"),
    ),
    "sea": (
        ("over the sea", "over the waves", "above a blue sea with waves", "on the sea"),
        ("a blue sea with rolling waves under a light sky", "the sea with row after row of waves"),
    ),
    "meadow": (
        ("over a green meadow", "on a meadow", "over a meadow", "on the grass", "in a green meadow", "over grass"),
        ("a green meadow with hills and flowers under a blue sky", "a sunny meadow with grass and a white cloud"),
    ),
    "snow": (
        ("in falling snow", "in the snow", "over snowy ground", "in a snowy winter scene"),
        ("a winter scene with falling snow", "falling snow over white ground"),
    ),
}
OPENINGS = ("the video shows", "in this clip we see", "this is a video of", "we see")
CLOSINGS = (
    "the camera does not move",
    "the shot is calm and simple",
    "the camera stays fixed",
    "the light is soft and clear",
)
STILL_OPENINGS = ("a picture of", "an image of", "")
BESIDE = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}


def caption(scene: Scene, rng: random.Random, *, long: bool | None = None, still: bool = False) -> str:
    """One caption of the scene, lower case. `long` asks for a highly descriptive one (by default two in five are).

    `still` captions one frame of it: the motion, which can't be seen, is then mostly left out.
    """
    if still and rng.random() < 0.7:
        return _still(scene, rng)
    return _long(scene, rng) if (rng.random() < 0.4 if long is None else long) else _short(scene, rng)


def _still(scene: Scene, rng: random.Random) -> str:
    things = " and ".join(_noun_phrase(thing, rng) + _place(thing) for thing in scene.things)
    return f"{rng.choice(STILL_OPENINGS)} {things} {_where(scene, rng)}".strip()


def _short(scene: Scene, rng: random.Random) -> str:
    form = rng.choice((0, 0, 1))  # "a ball bouncing", more often than "a ball bounces"
    parts = [f"{_noun_phrase(t, rng)} {rng.choice(MOTION_PHRASES[t.motion])[form]}{_place(t)}" for t in scene.things]
    return f"{' and '.join(parts)} {_where(scene, rng)}"


def _long(scene: Scene, rng: random.Random) -> str:
    """Opening with what there is, how each moves, where it is, and a closing: three to five sentences."""
    things = " and ".join(_noun_phrase(thing, rng, full=True) + _place(thing) for thing in scene.things)
    sentences = [f"{rng.choice(OPENINGS)} {things} {_where(scene, rng) if rng.random() < 0.5 else ''}".strip()]
    for thing in scene.things:
        subject = "it" if len(scene.things) == 1 else f"the {thing.colour} {rng.choice(NOUNS[thing.shape])}"
        sentences.append(f"{subject} {rng.choice(MOTION_PHRASES[thing.motion])[1]}")
    sentences.append(f"the background is {rng.choice(BACKGROUND_PHRASES[scene.background][1])}")
    if rng.random() < 0.6:
        sentences.append(rng.choice(CLOSINGS))
    return ". ".join(sentences) + "."


def _noun_phrase(thing: Thing, rng: random.Random, *, full: bool = False) -> str:
    changes = thing.motion in ("grow", "shrink")
    size = "" if changes or (not full and rng.random() < 0.5) else rng.choice(SIZE_WORDS[thing.size]) + " "
    words = f"{size}{thing.colour} {rng.choice(NOUNS[thing.shape])}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _place(thing: Thing) -> str:
    return f" {BESIDE[thing.lane]}" if thing.lane in BESIDE else ""


def _where(scene: Scene, rng: random.Random) -> str:
    return rng.choice(BACKGROUND_PHRASES[scene.background][0])


@dataclass(frozen=True)
class Said:
    """What a caption says. A fact that it leaves out is None; things come in the order of their mention."""

    things: tuple[tuple[str | None, str | None, str | None], ...]
    """(colour, shape, motion) each."""
    background: str | None


def read(text: str) -> Said:
    """Read a caption back into facts: the inverse of `caption` for every sentence it can make."""
    text = " ".join(re.findall(r"[a-z]+", text.lower()))
    text, background = _take(text, _background_phrases())
    mentions = list(re.finditer(_mention_pattern(), text))
    shapes = {noun: shape for shape, nouns in NOUNS.items() for noun in nouns}
    found: dict[tuple[str | None, str | None], str | None] = {}
    for i, mention in enumerate(mentions):
        until = mentions[i + 1].start() if i + 1 < len(mentions) else len(text)
        _, motion = _take(text[mention.end() : until], _motion_phrases())
        thing = (mention["colour"], shapes[mention["noun"]])
        found[thing] = found.get(thing) or motion
    return Said(tuple((*thing, motion) for thing, motion in found.items()), background)


def _mention_pattern() -> str:
    nouns = "|".join(sorted({noun for nouns in NOUNS.values() for noun in nouns}))
    return rf"\b(?P<colour>{'|'.join(COLOURS)}) (?P<noun>{nouns})\b"


def _take(text: str, phrases: list[tuple[str, str]]) -> tuple[str, str | None]:
    """Remove the longest phrase there is in the text, and return what it means."""
    for phrase, meaning in phrases:
        if re.search(rf"\b{phrase}\b", text):
            rest = text
            for other, same in phrases:
                rest = re.sub(rf"\b{other}\b", ".", rest) if same == meaning else rest
            return rest, meaning
    return text, None


def _background_phrases() -> list[tuple[str, str]]:
    pairs = [(phrase, name) for name, (after, rich) in BACKGROUND_PHRASES.items() for phrase in after + rich]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


def _motion_phrases() -> list[tuple[str, str]]:
    pairs = [(phrase, name) for name, forms in MOTION_PHRASES.items() for form in forms for phrase in form]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


def words() -> list[str]:
    """Every word that a caption can hold, sorted: the vocabulary of the family."""
    return sorted(set(re.findall(r"[a-z]+", " ".join(_all_wording()))) | {"."})


def _all_wording() -> Iterator[str]:
    yield from ("a an and the it is background", *COLOURS, *OPENINGS, *CLOSINGS, *STILL_OPENINGS, *BESIDE.values())
    for group in (*NOUNS.values(), *SIZE_WORDS.values(), *chain.from_iterable(MOTION_PHRASES.values())):
        yield from group
    for after, rich in BACKGROUND_PHRASES.values():
        yield from after + rich
