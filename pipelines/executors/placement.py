"""Where the weights of a model are to be while it works. Numbers in, a word out: no torch here."""

from typing import Literal

Placement = Literal["resident", "streamed"]
Asked = Literal["automatic", "resident", "streamed"]
SETTING = "PATCHLOOM_WEIGHTS"
# Of a device's memory, what is kept for the work beside the weights: a step's tokens, a chunk of decoded frames.
FOR_WORK = 0.25


def placement(weights: int, capacity: int, device: str, asked: str = "automatic", work: int | None = None) -> Placement:
    """Resident where a model's weights and its work fit the device; else they stay with the host, block by block.

    weights, capacity, work: bytes; work None: a quarter of the capacity. On a CPU the host's memory is the device's, so
    nothing is won by it. asked: what a person wants instead; ValueError for what is none of these.
    """
    match asked:
        case "resident" | "streamed":
            return asked
        case "automatic":
            needed = weights + (capacity * FOR_WORK if work is None else work)
            return "streamed" if device != "cpu" and needed > capacity else "resident"
        case _:
            raise ValueError(f"{SETTING} is {asked!r}; it needs automatic, resident or streamed")
