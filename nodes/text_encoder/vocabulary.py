"""Words to numbers, with a table of synonyms, and the words that the family does not know. No torch here."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from nodes.world import captions

PADDING, NULL = "<pad>", "<null>"
MAX_TOKENS = 72

# A word on the left reads as the word or words on the right, which all are in the world's grammar.
SYNONYMS: dict[str, str] = {
    # colours
    "crimson": "red", "scarlet": "red", "ruby": "red", "maroon": "red", "cherry": "red",
    "amber": "orange", "tangerine": "orange", "coral": "orange",
    "golden": "yellow", "gold": "yellow", "lemon": "yellow",
    "emerald": "green", "lime": "green", "olive": "green",
    "turquoise": "cyan", "teal": "cyan", "aqua": "cyan",
    "azure": "blue", "navy": "blue", "indigo": "blue", "cobalt": "blue", "sapphire": "blue",
    "violet": "purple", "lilac": "purple", "lavender": "purple", "magenta": "pink", "rose": "pink", "rosy": "pink",
    "ivory": "white", "pale": "white", "grey": "gray", "silver": "gray",
    # things
    "balloon": "ball", "sphere": "ball", "orb": "ball", "bubble": "ball", "globe": "ball", "disc": "circle",
    "disk": "circle", "dot": "circle", "football": "ball", "cube": "box", "block": "box", "rectangle": "square",
    "crate": "box", "pyramid": "triangle", "cone": "triangle", "donut": "ring", "doughnut": "ring", "torus": "ring",
    "loop": "ring", "rhombus": "diamond", "gem": "diamond", "crystal": "diamond", "kite": "diamond", "love": "heart",
    "balls": "ball", "boxes": "box", "squares": "square", "hearts": "heart",
    "rings": "ring", "diamonds": "diamond", "triangles": "triangle",
    # sizes
    "huge": "large", "giant": "large", "enormous": "large", "massive": "large", "great": "large", "mini": "tiny",
    "miniature": "tiny", "minuscule": "tiny", "middle": "medium",
    # motions
    "jumping": "bouncing", "jumps": "bounces", "jump": "bounces", "bounce": "bounces", "hop": "hops",
    "leaping": "bouncing", "leaps": "bounces", "dribbling": "bouncing",
    "twirling": "spinning", "twirls": "spins", "spin": "spins", "whirling": "spinning", "revolving": "rotating",
    "rotate": "rotates", "expanding": "growing", "expands": "grows", "inflating": "growing", "inflates": "grows",
    "grow": "grows", "swelling": "growing", "contracting": "shrinking", "contracts": "shrinks", "shrink": "shrinks",
    "deflating": "shrinking", "vanishing": "shrinking", "dwindling": "shrinking",
    "drop": "drops", "tumbling": "falling", "tumbles": "falls", "fall": "falls",
    "plunging": "falling", "plummeting": "falling", "ascending": "rising", "ascends": "rises", "climbing": "rising",
    "lifting": "rising", "soaring": "rising", "rise": "rises", "descending": "moving down", "descends": "moves down",
    "lowering": "moving down", "travelling": "moving", "traveling": "moving",
    "travels": "moves", "drifting": "gliding", "drifts": "glides", "flying": "gliding", "flies": "glides",
    "rolls": "moves", "running": "moving", "runs": "moves",
    "rightwards": "right", "rightward": "right", "leftwards": "left", "leftward": "left",
    "upward": "upwards", "downward": "downwards", "orbit": "orbits", "looping": "circling around",
    "motionless": "still", "stationary": "still", "static": "still", "sitting": "resting", "sits": "rests",
    "lying": "resting", "waiting": "resting", "idle": "still",
    # places
    "ocean": "sea", "lake": "sea", "beach": "sea", "field": "meadow",
    "lawn": "grass", "pasture": "meadow", "park": "meadow", "garden": "meadow", "grassland": "meadow",
    "prairie": "meadow", "hill": "hills", "countryside": "meadow", "dusk": "sunset", "dawn": "sunset",
    "sunrise": "sunset", "twilight": "sunset", "snowfall": "snow", "snowing": "snow",
    "snowstorm": "snow", "snowflakes": "snow", "blizzard": "snow", "wintry": "winter", "space": "night sky",
    "cosmos": "night sky", "galaxy": "night sky", "midnight": "night", "darkness": "dark", "backdrop": "background",
    # small words
    "upon": "on", "onto": "on", "across": "over", "beneath": "under", "below": "under",
    "inside": "in", "within": "in", "against": "on", "towards": "to", "toward": "to", "through": "over",
    "one": "a", "single": "a", "photo": "picture", "photograph": "picture", "movie": "video", "film": "video",
    "animation": "video", "footage": "video", "showing": "shows", "beside": "and", "next": "and",
    "while": "and", "as": "and", "its": "the", "that": "the", "which": "it", "slow": "slowly",
    "are": "is", "there": "we see",
}  # fmt: skip


class Tokens(NamedTuple):
    ids: list[int]
    unknown: list[str]
    """Words that the family has never seen, in the order of their first mention."""


@cache
def words() -> tuple[str, ...]:
    """The vocabulary: a word's number is its place here."""
    return (PADDING, NULL, *captions.words())


def tokenise(text: str) -> Tokens:
    """Numbers of the text's words, at most 72. Unknown words are named and left out; an empty text is the null text."""
    known = _numbers()
    ids: list[int] = []
    unknown: dict[str, None] = {}
    for word in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\.", text.lower()):
        meant = word if word in known else SYNONYMS.get(word, "")
        if not meant and word not in known:
            unknown[word] = None
        ids += [known[part] for part in meant.split()]
    return Tokens(ids[:MAX_TOKENS] or [known[NULL]], list(unknown))


@cache
def _numbers() -> dict[str, int]:
    return {word: number for number, word in enumerate(words())}
