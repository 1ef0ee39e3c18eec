"""Which latent rows of a clip are which section, and which are decoded together. No torch here."""

from typing import Literal

Order = Literal["from the end", "from the start"]


def rows_of(number: int, count: int, order: Order, section: int) -> slice:
    """The rows of the section that is made as this one of so many; the picture's own row is the first."""
    place = count - 1 - number if order == "from the end" else number
    return slice(1 + section * place, 1 + section * (place + 1))


def decoded_together(count: int, order: Order, section: int) -> list[slice]:
    """Rows of a clip of so many sections, along the time: each section with the one that was made before it.

    The section that was made first is decoded with none, the one next to the picture with that (diffusers'
    pipeline_hunyuan_video_framepack.py).
    """
    whole = 1 + section * count
    if order == "from the end":
        return [
            slice(1 + section * place if place else 0, min(1 + section * (place + 2), whole)) for place in range(count)
        ]
    return [slice(1 + section * (place - 1) if place else 0, 1 + section * (place + 1)) for place in range(count)]
