"""Clips packed as video come back byte for byte; what is damaged is told by its digest, and nothing is believed."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.codec import encode
from assets.store.packing import MARK, pack, unpack
from assets.values import Clip, Latent, Mask


def gradient(t: int, h: int, w: int, noise: int = 0) -> Clip:
    """A picture that brightens from top to bottom, moving, with noise of so many levels."""
    rows = np.linspace(0, 180, h)[None, :, None, None] + 3 * np.arange(t)[:, None, None, None]
    grain = np.random.default_rng(t * h * w).integers(0, noise + 1, (t, h, w, 3))
    return Clip((rows + grain).clip(0, 255).astype(np.uint8), 8.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(1, 40), st.integers(1, 70), st.integers(0, 75))
def test_any_clip_comes_back_byte_for_byte(t: int, h: int, w: int, noise: int) -> None:
    data = encode(gradient(t, h, w, noise))
    assert unpack(pack(data)) == data


def test_a_clip_takes_a_fraction_of_its_bytes() -> None:
    data = encode(gradient(9, 96, 128, noise=2))
    packed = pack(data)
    assert packed.startswith(MARK)
    assert len(packed) < len(data) / 2
    assert unpack(packed) == data


def test_what_would_not_get_smaller_is_left_as_it_is() -> None:
    data = encode(gradient(2, 16, 16, noise=255))
    assert pack(data) == data


@pytest.mark.parametrize(
    "value",
    [
        Clip(np.zeros((2, 64, 64, 4), np.uint8), 8.0),
        Mask(np.zeros((2, 64, 64), np.float32)),
        Latent(np.zeros((3, 2, 16, 16), np.float32), "loom-16", 8.0),
    ],
    ids=["RGBA", "mask", "latent"],
)
def test_what_is_no_rgb_clip_is_left_as_it_is(value: Clip | Mask | Latent) -> None:
    data = encode(value)
    assert pack(data) == data == unpack(data)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_damage_is_left_to_the_digest_to_tell(data: st.DataObject) -> None:
    packed = bytearray(pack(encode(CLIP)))
    at = data.draw(st.integers(len(MARK), len(packed) - 1))
    cut = data.draw(st.booleans())
    packed[at] ^= data.draw(st.integers(1, 255))
    assert isinstance(unpack(bytes(packed[:at] if cut else packed)), bytes)


def test_a_header_that_lies_about_the_frames_is_not_believed() -> None:
    packed = pack(encode(CLIP))
    for shape in ([3, 48, 64, 3], [5, 48, 64, 3], [4, 48, 6400, 3], [2**40, 48, 64, 3], [4, -48, -64, 3], ["x"] * 4):
        header = json.dumps({"frames": {"dtype": "U8", "shape": shape, "data_offsets": [0, 9]}}).encode()
        start = len(MARK) + 8 + int.from_bytes(packed[len(MARK) : len(MARK) + 8], "little")
        lying = MARK + len(header).to_bytes(8, "little") + header + packed[start:]
        assert unpack(lying) == lying


def test_bytes_that_claim_to_be_packed_come_back_as_they_are() -> None:
    for hostile in (MARK, MARK + b"\xff" * 8, MARK + bytes(8), MARK + (40).to_bytes(8, "little") + b"{" * 40):
        assert unpack(hostile) == hostile


CLIP = gradient(4, 48, 64)
