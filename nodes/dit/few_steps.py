"""LoRAs that let a DiT sample in few steps, without guidance: told by their names. No torch here."""

import re
from pathlib import Path

from assets.values import DiT
from nodes.api import warn

MAKERS = {"lightx2v": 4, "lightning": 4, "causvid": 8, "self[-_ ]?forcing": 4, "accvid(?:eo)?": 10, "fusionx": 8,
          "fastwan": 3, "turbo": 8, "hyper": 8, "lcm": 4, "dmd2?": 4}  # fmt: skip
"""What such LoRAs are called by -> steps that their makers sample in, where the name says no number."""
STEPS = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?steps?(?![a-z])", re.IGNORECASE)
MOST = 16
"""Steps that are few."""
TOLD = ("hunyuan", "framepack")
"""Families that are told guidance as a number, which costs no second pass."""


def few_steps(name: str) -> int | None:
    """How many steps a LoRA's file is named for; None for one that says nothing of the kind."""
    if (found := STEPS.search(name)) and 0 < int(found[1]) <= MOST:
        return int(found[1])
    words = ((rf"(?<![a-z]){maker}(?![a-z])", steps) for maker, steps in MAKERS.items())
    return next((steps for pattern, steps in words if re.search(pattern, name, re.IGNORECASE)), None)


def offer_few_steps(dit: DiT, steps: int, guidance: float) -> None:
    """Say what a LoRA of few steps is sampled by, where it is not."""
    for path, _, weight, _ in dit.loras:
        name, guides = Path(path).name, guidance != 1 and dit.family not in TOLD
        few = few_steps(name) if weight > 0 else None
        if few and (steps > 2 * few or guides):
            here, tries = f"{steps} steps", f"steps to {few}"
            if guides:
                here, tries = f"{here} at guidance {guidance:g}", f"{tries} and guidance to 1"
            warn(
                f"{name} is, by its name, for about {few} steps without guidance (lossy: faster, less varied); here "
                f"are {here}. Set {tries}."
            )
