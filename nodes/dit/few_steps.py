"""LoRAs that let a DiT sample in few steps, without guidance: told by their names, and by what their files say.

No torch here.
"""

import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from assets.values import DiT
from assets.weight_files import WeightsRefused
from assets.weight_headers import read_weight_header
from nodes.api import warn

MAKERS = {"lightx2v": 4, "lightning": 4, "causvid": 8, "self[-_ ]?forcing": 4, "accvid(?:eo)?": 10, "fusionx": 8,
          "fastwan": 3, "turbo": 8, "hyper": 8, "lcm": 4, "dmd2?": 4}  # fmt: skip
"""What such LoRAs are called by -> steps that their makers sample in, where the name says no number."""
STEPS = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?steps?(?![a-z])", re.IGNORECASE)
MOST = 16
"""Steps that are few."""
SAID = ("modelspec.title", "ss_output_name", "name", "modelspec.description", "ss_training_comment", "modelspec.tags",
        "description")  # fmt: skip
"""Of a file's metadata: what its makers call it, and say of it (kohya's, and Stability's model metadata standard)."""
TOLD = ("hunyuan", "framepack")
"""Families that are told guidance as a number, which costs no second pass."""


def few_steps(name: str) -> int | None:
    """How many steps a LoRA's file is named for; None for one that says nothing of the kind."""
    if (found := STEPS.search(name)) and 0 < int(found[1]) <= MOST:
        return int(found[1])
    words = ((rf"(?<![a-z]){maker}(?![a-z])", steps) for maker, steps in MAKERS.items())
    return next((steps for pattern, steps in words if re.search(pattern, name, re.IGNORECASE)), None)


def steps_for(path: str) -> int | None:
    """How many steps a LoRA's file is for, by its name, else by what it says of itself; None where neither says it."""
    return few_steps(Path(path).name) or next(filter(None, map(few_steps, _said(path))), None)


def _said(path: str) -> tuple[str, ...]:
    with suppress(OSError, WeightsRefused):
        return _said_at(path, Path(path).stat().st_mtime_ns)
    return ()


@lru_cache(maxsize=32)
def _said_at(path: str, _: int) -> tuple[str, ...]:
    said = read_weight_header(Path(path)).said
    return tuple(said[key] for key in SAID if isinstance(said.get(key), str))


def offer_few_steps(dit: DiT, steps: int, guidance: float) -> None:
    """Say what a LoRA of few steps is sampled by, where it is not. What the person says of it counts first."""
    asked = dict(dit.few_steps)
    for path, digest, weight, _ in dit.loras:
        name, guides = Path(path).name, guidance != 1 and dit.family not in TOLD
        few = (asked.get(digest) or steps_for(path)) if weight > 0 else None
        if few and few <= MOST and (steps > 2 * few or guides):
            here, tries = f"{steps} steps", f"steps to {few}"
            if guides:
                here, tries = f"{here} at guidance {guidance:g}", f"{tries} and guidance to 1"
            by = "as is said of it where it is loaded" if digest in asked else "by its name or what its file says"
            warn(
                f"{name} is, {by}, for about {few} steps without guidance (lossy: faster, less varied); here are "
                f"{here}. Set {tries}."
            )
