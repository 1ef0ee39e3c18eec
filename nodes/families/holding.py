"""In what precision weights are held where a person leaves that open. No torch here."""

from dataclasses import replace
from typing import Literal, TypeVar

from assets.values import ModelHandle, TextEncoder
from assets.values.handles import Precision
from nodes.api import warn
from nodes.families import footprint
from nodes.machine import card_bytes, host_bytes

AskedPrecision = Literal["automatic", Precision]
HOST_SHARE = 0.8
"""Of the host's memory, that weights may take of it."""
H = TypeVar("H", bound=ModelHandle)


def held(handle: H, asked: AskedPrecision) -> H:
    """The handle in the precision that is asked for.

    A text encoder, which is run once, is only stored in float8. Automatic: as stored, but in float8 where neither the
    card nor the host's memory holds that. It changes the result, which is said, and counts: a handle's precision is
    part of what it is.
    """
    if asked == "float8 matmul" and isinstance(handle, TextEncoder):
        asked = "float8 storage"
    if asked != "automatic":
        return replace(handle, precision=asked)
    whole, host, small = footprint.weights(handle), host_bytes(), replace(handle, precision="float8 storage")
    if whole <= HOST_SHARE * host or whole <= (card := card_bytes() or 0) or footprint.weights(small) >= whole:
        return handle
    on_card = f"the card has {card / 1e9:.0f} GB" if card else "there is no card"
    warn(
        f"The {type(handle).__name__} takes {whole / 1e9:.1f} GB as stored; {on_card}, the host {host / 1e9:.0f} GB. "
        "So it is held in float8, which changes the result. Choose 'as stored' under precision to try it whole."
    )
    return small
