"""What a text speaks of (colours, shapes, motions, places, the camera ...), and whether a longer text keeps all of it.

No torch here. `captions.read` reads whole captions of the grammar back; this also reads the fragments of a prompt
("ball on grass").
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from nodes.text_encoder.vocabulary import SYNONYMS, words
from nodes.world import captions
from nodes.world.scene import COLOURS
from nodes.writer.grammar import Asked, AskedThing

Entity = tuple[str, str]
"""(kind, value), e.g. ("background", "meadow")."""

# Backgrounds as a prompt may name them, beside the captions' own phrases.
_PLACES: dict[str, tuple[str, ...]] = {
    "black": ("black background",),
    "white": ("white background",),
    "gray": ("gray background", "gray wall"),
    "night": ("night", "night sky", "starry", "stars"),
    "sunset": ("sunset", "orange sunset", "evening"),
    "sea": ("sea", "blue sea", "waves", "water"),
    "meadow": ("meadow", "green meadow", "grass", "green grass", "hills"),
    "snow": ("snow", "snowy", "falling snow", "winter", "white snow"),
}


def entities(text: str) -> frozenset[Entity]:
    """Everything that the text speaks of, each once."""
    return frozenset(_in_order(text))


def keeps(prompt: str, expansion: str) -> bool:
    """Whether the expansion says all that the prompt says, of the same things, and brings in no other thing."""
    asked, said = entities(prompt), entities(expansion)
    shapes = {entity for entity in asked if entity[0] == "shape"}
    if not asked <= said or (shapes and {entity for entity in said if entity[0] == "shape"} != shapes):
        return False
    told, wanted = _things(expansion), _things(known_words(prompt))
    # A motion can be laid to the thing before it only if no thing was mentioned in a way that can't be read.
    facts = 4 if len(wanted) == len(shapes) else 3
    return all(any(_agrees(thing[:facts], same) for same in told) for thing in wanted)


def asked(text: str) -> Asked:
    """What a prompt asks for, in the order of a caption: at most two things, the left or upper one first.

    A colour, a size or a pattern belongs to the thing that follows, a motion or a lane to the one before. A thing that
    is named again is the same thing. A thing is plain, and the camera fixed, unless the prompt says otherwise.
    """
    things: list[AskedThing] = []
    now, coming, scene = 0, dict[str, str](), dict[str, str]()
    for kind, value in _in_order(text):
        if kind in ("background", "camera", "passes"):
            scene.setdefault(kind, value)
        elif kind == "shape":
            same = [i for i, thing in enumerate(things) if thing.shape == value and _may_be(thing, coming)]
            now = same[0] if same else len(things)
            things[now : now + 1] = [_with(things[now] if same else AskedThing(shape=value), coming)]
            coming = {}
        elif kind in ("motion", "lane") and things:
            things[now] = _with(things[now], {kind: value})
        else:
            coming[kind] = value
    if coming:
        things[now : now + 1] = [_with(things[now] if things else AskedThing(), coming)]
    if len(things) > 1 and (things[0].lane in ("right", "bottom") or things[1].lane in ("left", "top")):
        things[:2] = things[1], things[0]
    plain = tuple(replace(thing, pattern=thing.pattern or "plain") for thing in things[:2])
    return Asked(plain, scene.get("background"), scene.get("camera", "fixed"), scene.get("passes", ""))


def known_words(text: str) -> str:
    """The text in lower case, its synonyms replaced by the grammar's own words."""
    found = re.findall(r"[^\W\d_]+", text.lower())
    return " ".join(word if word in words() else SYNONYMS.get(word, word) for word in found)


def _in_order(text: str) -> list[Entity]:
    """The entities as they come; of passing behind or in front, only what lies between two things."""
    pattern, meaning = _phrases()
    found = [meaning[phrase] for phrase in re.findall(pattern, known_words(text))]
    shapes = [number for number, (kind, _) in enumerate(found) if kind == "shape"]
    return [
        entity
        for number, entity in enumerate(found)
        if entity[0] != "passes" or (shapes and shapes[0] < number < shapes[-1])
    ]


def _things(text: str) -> list[tuple[str | None, ...]]:
    """(colour, shape, pattern, motion) of each thing that a text tells of; None where it says none."""
    said = captions.read(text)
    return [
        (colour, shape, None if pattern == "plain" else pattern, motion)
        for (colour, shape, motion), pattern in zip(said.things, said.patterns, strict=True)
    ]


def _may_be(thing: AskedThing, facts: dict[str, str]) -> bool:
    return all(getattr(thing, kind) in (None, value) for kind, value in facts.items())


def _with(thing: AskedThing, facts: dict[str, str]) -> AskedThing:
    """The thing with the facts that it does not have yet."""
    return replace(thing, **{kind: value for kind, value in facts.items() if getattr(thing, kind) is None})


def _agrees(wanted: tuple[str | None, ...], thing: tuple[str | None, ...]) -> bool:
    return all(fact in (None, same) for fact, same in zip(wanted, thing, strict=False))


@cache
def _phrases() -> tuple[str, dict[str, Entity]]:
    """A pattern that finds the longest phrase at each place, and what each phrase means."""
    meaning: dict[str, Entity] = {}
    for name, (after, rich) in captions.BACKGROUND_PHRASES.items():
        meaning |= dict.fromkeys((*after, *rich, *_PLACES[name]), ("background", name))
    for name, forms in captions.MOTION_PHRASES.items():
        meaning |= {phrase: ("motion", name) for form in forms for phrase in form}
    for name, forms in captions.CAMERA_PHRASES.items():
        meaning |= {phrase: ("camera", name) for form in forms for phrase in form}
    for name, (between, verbs) in captions.PASS_PHRASES.items():
        meaning |= dict.fromkeys((between, *verbs), ("passes", name))
    for kind, table in (
        ("shape", captions.NOUNS),
        ("size", captions.SIZE_WORDS),
        ("pattern", captions.PATTERN_WORDS),
    ):
        meaning |= {phrase: (kind, name) for name, phrases in table.items() for phrase in phrases}
    meaning |= {colour: ("colour", colour) for colour in COLOURS}
    meaning |= {phrase: ("lane", lane) for lane, phrase in captions.BESIDE.items()}
    longest_first = sorted(meaning, key=len, reverse=True)
    return rf"\b(?:{'|'.join(longest_first)})\b", meaning
