"""What a language model is told before it writes, for each family's way of being prompted."""

import re
from typing import Literal

Style = Literal["plain", "Wan", "LTX-Video", "CogVideoX", "HunyuanVideo", "Mochi"]

_KEEP = (
    "Keep the intent. Keep every person, thing, number, colour, place and written word of the prompt, and add none "
    "that changes what happens. Answer with the new prompt alone, in the language of the prompt, without quotes."
)
# What each family's makers advise in their own cards and prompt guides, in a sentence each.
_ADVICE: dict[Style, str] = {
    "plain": "Write one paragraph of 40 to 80 words: subject, action, setting, light, camera.",
    "Wan": "Write one paragraph of 80 to 100 words: style first, then subject and looks, motion, setting, light, and "
    "the camera's framing and move.",
    "LTX-Video": "Write one flowing paragraph of at most 200 words that starts with the main action: then movements "
    "and gestures in order, appearances, background, camera angle and move, light and colours, and any sudden change.",
    "CogVideoX": "Write one paragraph of about 100 words that describes the scene in order of time, with textures, "
    "light and the camera.",
    "HunyuanVideo": "Write one paragraph of about 80 words: subject, motion, scene, shot type, camera move, light, "
    "style, atmosphere.",
    "Mochi": "Write one paragraph of about 60 words, exact about motion and the camera; photographic in style unless "
    "the prompt says otherwise.",
}
CAPTION = (
    "These are frames of one video, in order of time. Describe the video for someone who is to film it again: subject, "
    "looks, action from beginning to end, setting, light, camera. One paragraph, plain words, nothing that cannot be "
    "seen."
)
SHORT_CAPTION = (
    "These are frames of one video, in order of time. Say in one short sentence what it shows: who or what, and what "
    "happens. Plain words, nothing that cannot be seen."
)


def instructions(style: Style) -> str:
    """The system prompt for expanding a prompt."""
    return f"You rewrite short prompts for a video model. {_ADVICE[style]} {_KEEP}"


def with_all_of(prompt: str, written: str) -> str:
    """What was written, after the prompt itself where a word that carries meaning is missing from it."""
    written = written.strip().strip('"“”').strip()
    told = set(_stems(written))
    if written and all(stem in told for stem in _stems(prompt)):
        return written
    return f"{prompt.strip().rstrip('.')}. {written}".strip()


# fmt: off
_SMALL = frozenset((
    "a", "an", "the", "of", "in", "on", "at", "to", "and", "or", "with", "by", "from", "over", "under", "into", "is",
    "are", "it", "its", "as", "for",
))
# fmt: on


def _stems(text: str) -> list[str]:
    """Words that carry meaning, without endings that grammar changes."""
    words = re.findall(r"\w+", text.lower())
    return [re.sub(r"(ing|ed|es|s|e)$", "", word) if len(word) > 4 else word for word in words if word not in _SMALL]
