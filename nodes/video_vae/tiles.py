"""Lossy: a VAE's work done in tiles of space, for frames that there is no memory for as a whole.

Tiles overlap by a quarter and are blended there. What is lost: near its edge a tile does not see what is beyond it, and
a VAE that normalises over the whole frame does so over the tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import tee
from typing import Any, NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from nodes.context import Context
from nodes.out_of_memory import out_of_memory
from nodes.video_vae.spans import SMALLEST, Span, spans, weights

Work = Callable[[int], Iterable[Tensor]]
"""Given the side of tiles in latent cells, 0 for whole frames: what is made, some frames at a time."""


def as_memory_allows(work: Work, side: int, cells: int, ctx: Context) -> Iterator[Tensor]:
    """What `work` makes with tiles of that side; where there is no memory for it, from there on with smaller ones.

    cells: the longer side of the latent. What is lost by that is said to whoever runs the node. What the smallest tiles
    find no memory for is raised, and so is the first time where more memory can still be made free.
    """
    sides, done = [side, *_smaller(side or cells)], 0
    for side, smaller in zip(sides, [*sides[1:], 0], strict=True):
        try:
            for part in _after(done, work(side)):
                done += part.shape[2]
                yield part
            return
        except Exception as error:
            if not smaller or not out_of_memory(error) or not ctx.makes_do(_note(smaller, done)):
                raise


def decoded(vae: Any, chunks: Iterable[Tensor], side: int) -> Iterator[Tensor]:
    """What `vae.decode_chunks` makes of chunks of a latent (1 z t h w), in tiles of so many cells a side (0: whole).

    The tiles take turns, a latent frame at a time: what each carries from one to the next is all that stays.
    """
    if not side:
        yield from vae.decode_chunks(chunks)
        return
    first, arriving = tee(frame for chunk in chunks for frame in torch.split(chunk, 1, dim=2))
    high, wide = next(first).shape[-2:]
    del first
    tiles = _tiles(high, wide, side)
    sources = tee(arriving, len(tiles))
    streams = [vae.decode_chunks(_cut(source, tile)) for source, tile in zip(sources, tiles, strict=True)]
    while (part := next(streams[0], None)) is not None:
        scale = part.shape[-2] // (tiles[0].rows.stop - tiles[0].rows.start)
        whole = part.new_zeros(*part.shape[:-2], high * scale, wide * scale)
        _add(whole, part, tiles[0], scale)
        for tile, stream in zip(tiles[1:], streams[1:], strict=True):
            _add(whole, next(stream), tile, scale)
        yield whole


def encoded(vae: Any, pixels: Tensor, side: int, stride: int) -> Tensor:
    """What `vae.encode` makes of pixels (1 3 t h w), in tiles of so many latent cells a side (0: whole).

    stride: pixels of a cell's side.
    """
    if not side:
        made: Tensor = vae.encode(pixels)
        return made
    high, wide = (length // stride for length in pixels.shape[-2:])
    whole: Tensor | None = None
    for tile in _tiles(high, wide, side):
        part = vae.encode(pixels[..., _scaled(tile.rows, stride), _scaled(tile.columns, stride)])
        whole = part.new_zeros(*part.shape[:-2], high, wide) if whole is None else whole
        _add(whole, part, tile, 1)
    assert whole is not None
    return whole


class _Tile(NamedTuple):
    """In latent cells."""

    rows: Span
    columns: Span


def _after(done: int, parts: Iterable[Tensor]) -> Iterator[Tensor]:
    """Parts (1 c t h w) of a clip without its first frames."""
    for part in parts:
        if part.shape[2] > done:
            yield part[:, :, done:]
        done = max(0, done - part.shape[2])


def _tiles(high: int, wide: int, side: int) -> list[_Tile]:
    return [_Tile(rows, columns) for rows in spans(high, side) for columns in spans(wide, side)]


def _cut(chunks: Iterable[Tensor], tile: _Tile) -> Iterator[Tensor]:
    for chunk in chunks:
        yield chunk[..., _scaled(tile.rows, 1), _scaled(tile.columns, 1)]


def _add(whole: Tensor, part: Tensor, tile: _Tile, scale: int) -> None:
    """Add what a tile is to what is made of all (... h w); scale: of it to latent cells."""
    down, across = (part.new_tensor(weights(span, scale)) for span in tile)
    place = whole[..., _scaled(tile.rows, scale), _scaled(tile.columns, scale)]
    place += part * rearrange(down, "h -> h 1") * across


def _scaled(span: Span, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)


def _smaller(side: int) -> list[int]:
    made = []
    while (side := -(-side // 2)) >= SMALLEST:
        made.append(side)
    return made


def _note(side: int, done: int) -> str:
    since = "" if not done else " from the middle of the clip on"
    return f"There was not enough memory for whole frames: done in blended tiles of {side} latent cells{since} (lossy)."
