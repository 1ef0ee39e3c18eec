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
PATTERN_WORDS: dict[str, tuple[str, ...]] = {"striped": ("striped",), "dotted": ("dotted", "spotted")}
# How a thing passes another: (between two things, as a sentence: "the ball moves left and <here> the box").
PASS_PHRASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "behind": ("behind", ("passes behind", "goes behind")),
    "front": ("in front of", ("passes in front of", "goes in front of")),
}
# (after a scene: "a ball ... on the sea, <here>", as a sentence)
CAMERA_PHRASES: dict[str, tuple[tuple[str, str], ...]] = {
    "pan left": (
        ("the camera pans left", "the camera pans left"),
        ("panning left", "the camera pans slowly to the left"),
    ),
    "pan right": (
        ("the camera pans right", "the camera pans right"),
        ("panning right", "the camera pans slowly to the right"),
    ),
    "zoom in": (("the camera zooms in", "the camera zooms in"), ("zooming in", "the camera comes closer")),
    "zoom out": (("the camera zooms out", "the camera zooms out"), ("zooming out", "the camera pulls back")),
}
OPENINGS = ("the video shows", "in this clip we see", "this is a video of", "we see")
CLOSINGS = (
    "the camera does not move",
    "the shot is calm and simple",
    "the camera stays fixed",
    "the light is soft and clear",
)  # of a scene before which the camera is fixed
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
    things = [_noun_phrase(thing, rng) + _place(thing) for thing in scene.things]
    return f"{rng.choice(STILL_OPENINGS)} {_together(scene, things)} {_where(scene, rng)}".strip()


def _short(scene: Scene, rng: random.Random) -> str:
    form = rng.choice((0, 0, 1))  # "a ball bouncing", more often than "a ball bounces"
    moves = [_noun_phrase(t, rng) + _moving(t, rng, form) + _place(t) for t in scene.things]
    text = f"{_together(scene, moves)} {_where(scene, rng)}"
    return text if scene.camera == "fixed" else f"{text}, {rng.choice(CAMERA_PHRASES[scene.camera])[0]}"


def _long(scene: Scene, rng: random.Random) -> str:
    """Opening with what there is, how each moves, where it is, and a closing: three to six sentences."""
    things = [_noun_phrase(thing, rng, full=True) + _place(thing) for thing in scene.things]
    where = _where(scene, rng) if rng.random() < 0.5 else ""
    sentences = [f"{rng.choice(OPENINGS)} {_together(scene, things)} {where}".strip()]
    names = [f"the {thing.colour} {rng.choice(NOUNS[thing.shape])}" for thing in scene.things]
    for thing, name in zip(scene.things, names, strict=True):
        subject = "it" if len(scene.things) == 1 else name
        passes = f" and {rng.choice(PASS_PHRASES[thing.lane][1])} {names[1]}" if thing.lane in PASS_PHRASES else ""
        sentences.append(f"{subject} {rng.choice(MOTION_PHRASES[thing.motion])[1]}{passes}")
    sentences.append(f"the background is {rng.choice(BACKGROUND_PHRASES[scene.background][1])}")
    if scene.camera != "fixed":
        sentences.append(rng.choice(CAMERA_PHRASES[scene.camera])[1])
    elif rng.random() < 0.6:
        sentences.append(rng.choice(CLOSINGS))
    return ". ".join(sentences) + "."


def _together(scene: Scene, parts: list[str]) -> str:
    """What is said of each thing, in one phrase."""
    between = PASS_PHRASES[scene.things[0].lane][0] if scene.things[0].lane in PASS_PHRASES else "and"
    return f" {between} ".join(parts)


def _moving(thing: Thing, rng: random.Random, form: int) -> str:
    return "" if thing.lane == "middle" else f" {rng.choice(MOTION_PHRASES[thing.motion])[form]}"


def _noun_phrase(thing: Thing, rng: random.Random, *, full: bool = False) -> str:
    changes = thing.motion in ("grow", "shrink")
    size = "" if changes or (not full and rng.random() < 0.5) else rng.choice(SIZE_WORDS[thing.size]) + " "
    pattern = rng.choice(PATTERN_WORDS[thing.pattern]) + " " if thing.pattern in PATTERN_WORDS else ""
    words = f"{size}{pattern}{thing.colour} {rng.choice(NOUNS[thing.shape])}"
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
    patterns: tuple[str, ...] = ()
    """Of each thing; "plain" where none is said."""
    camera: str = "fixed"
    passes: str | None = None
    """How the first thing passes the second: "behind" or "front"."""


def read(text: str) -> Said:
    """Read a caption back into facts: the inverse of `caption` for every sentence it can make."""
    text = " ".join(re.findall(r"[a-z]+", text.lower()))
    text, camera = _take(text, _camera_phrases())
    text, background = _take(text, _background_phrases())
    mentions = list(re.finditer(_mention_pattern(), text))
    shapes = {noun: shape for shape, nouns in NOUNS.items() for noun in nouns}
    patterns = {word: pattern for pattern, words in PATTERN_WORDS.items() for word in words}
    found: dict[tuple[str | None, str | None], tuple[str | None, str]] = {}
    passes = None
    for i, mention in enumerate(mentions):
        until = mentions[i + 1].start() if i + 1 < len(mentions) else len(text)
        rest, motion = _take(text[mention.end() : until], _motion_phrases())
        passes = passes or _take(rest, [("behind", "behind"), ("in front of", "front")])[1]
        thing = (mention["colour"], shapes[mention["noun"]])
        before, pattern = found.get(thing, (None, "plain"))
        found[thing] = before or motion, patterns.get(mention["pattern"], pattern)
    return Said(
        tuple((*thing, motion) for thing, (motion, _) in found.items()),
        background,
        tuple(pattern for _, pattern in found.values()),
        camera or "fixed",
        passes,
    )


def _mention_pattern() -> str:
    nouns = "|".join(sorted({noun for nouns in NOUNS.values() for noun in nouns}))
    patterns = "|".join(chain.from_iterable(PATTERN_WORDS.values()))
    return rf"\b(?:(?P<pattern>{patterns}) )?(?P<colour>{'|'.join(COLOURS)}) (?P<noun>{nouns})\b"


def _camera_phrases() -> list[tuple[str, str]]:
    pairs = [(phrase, name) for name, forms in CAMERA_PHRASES.items() for form in forms for phrase in form]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


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
    phrases = (*MOTION_PHRASES.values(), *CAMERA_PHRASES.values())
    for group in (*NOUNS.values(), *SIZE_WORDS.values(), *PATTERN_WORDS.values(), *chain.from_iterable(phrases)):
        yield from group
    for between, sentences in PASS_PHRASES.values():
        yield from (between, *sentences)
    for after, rich in BACKGROUND_PHRASES.values():
        yield from after + rich
