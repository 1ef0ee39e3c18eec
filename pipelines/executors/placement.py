"""Where the weights of a model are to be while it works. Numbers in, a plan out: no torch here."""

import os
from dataclasses import dataclass
from typing import Literal, get_args

from assets.values import ModelHandle
from assets.values.handles import Memory

Placement = Literal["resident", "streamed"]
SETTING = "PATCHLOOM_WEIGHTS"
# Of a device's memory, what is kept for the work beside the weights where that is not known: a chunk of decoded frames.
FOR_WORK = 0.25


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """way: where the weights are; asked: whether because a person wants it so.

    weights, work, room: bytes of them, of what is computed beside them (None: not foreseen), and of memory to be had.
    blocks: bytes of the weights that are on the device where they are streamed. lossy: what holding them so changes.
    """

    way: Placement
    asked: bool
    weights: int
    work: int | None
    room: int
    blocks: int = 0
    lossy: str = ""

    @property
    def peak(self) -> int:
        """Bytes on the device at most."""
        return (self.weights if self.way == "resident" else self.blocks) + (self.work or 0)

    def __str__(self) -> str:
        return "; ".join(filter(None, [self._where(), self.lossy]))

    def _where(self) -> str:
        work = "" if self.work is None else f" and about {_gb(self.work)} of work"
        if self.way == "resident" or self.asked:
            where = "on the device" if self.way == "resident" else "streamed block by block"
            said = f"weights {where}{', as asked' if self.asked else ''}: {_gb(self.weights)}{work}"
            short = (
                "" if self.peak <= self.room else "; that is more than there is, so that it may fail or lose something"
            )
            return f"{said}, of {_gb(self.room)}{short}"
        return (
            f"weights streamed block by block, which is slower and makes the same: {_gb(self.weights)}{work} do not "
            f"fit {_gb(self.room)}"
        )


def lossy(handle: ModelHandle) -> str:
    """What a plan says of weights that are held in fewer bits than they have."""
    ways = {"float8 storage": "held in float8", "float8 matmul": "held and multiplied in float8"}
    way = ways.get(handle.precision)
    return f"{way}, which changes the result" if way else ""


def memory_plan(
    weights: int,
    room: int,
    device: str,
    asked: Memory = "automatic",
    work: int | None = None,
    blocks: int | None = None,
    lossy: str = "",
) -> MemoryPlan:
    """Resident where a model's weights and its work fit the device; else they stay with the host, block by block.

    weights, room, work: bytes; work None: a quarter of the room is left for it. blocks: bytes on the device where they
    are streamed, None: a tenth; where that wins less than half of them (a video VAE's), they are not. On a CPU the
    host's memory is the device's, so nothing is won by streaming. asked: what a person wants instead; where they want
    nothing, what the environment says. ValueError where it says what is none of these.
    """
    wanted = os.environ.get(SETTING, asked) if asked == "automatic" else asked
    if wanted not in get_args(Memory):
        raise ValueError(f"{SETTING} is {wanted!r}; it needs automatic, resident or streamed")
    blocks = weights // 10 if blocks is None else blocks
    fits = device == "cpu" or weights + (room * FOR_WORK if work is None else work) <= room
    way: Placement = "resident" if fits or blocks > weights // 2 else "streamed"
    match wanted:
        case "resident" | "streamed":
            return MemoryPlan(wanted, True, weights, work, room, blocks, lossy)
    return MemoryPlan(way, False, weights, work, room, blocks, lossy)


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
