"""Values to bytes and back."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import codec
from assets.values import (
    VALUE_TYPES,
    Captioner,
    Clip,
    Conditioning,
    Describer,
    DiT,
    Expander,
    ImageEncoder,
    Latent,
    Mask,
    Patches,
    SavedFile,
    Scalar,
    Text,
    TextEncoder,
    Trajectory,
    Value,
    VideoVAE,
)

rng = np.random.default_rng(5)


def floats(*shape: int) -> np.ndarray:
    return rng.random(shape, dtype=np.float32)


GRIDS = ((1, 2, 2), (2, 1, 1))
SAMPLES: list[Value] = [
    Text("ein roter Ball hüpft 🏀\nüber eine Wiese"),
    Scalar(7),
    Scalar(7.0),
    Scalar(True),
    Scalar("euler"),
    SavedFile("clips/ball.mp4", "ab" * 32),
    Clip(rng.integers(0, 256, (3, 5, 7, 4), dtype=np.uint8), 12.5),
    Mask(floats(3, 4, 5)),
    Latent(floats(4, 2, 3, 5), "loom-16", 8.0),
    Patches(floats(6, 8), floats(6), GRIDS, (1, 2, 2), "loom-16", 8.0),
    Conditioning(floats(2, 16), ("red", "ball"), floats(1, 16), "loom-text"),
    Conditioning(floats(0, 16), (), floats(0, 16), "loom-text"),
    Conditioning(floats(2, 16), ("red", "ball"), floats(1, 16), "two", {"pooled": floats(8)}, {"pooled": floats(8)}),
    Conditioning(floats(2, 16), ("red", "ball"), floats(1, 16), "loom-text", attention=(0.75, 0.25)),
    Trajectory(
        floats(3, 6, 8), floats(2, 6, 8), floats(3), floats(6), floats(6, 8), "euler", GRIDS, (1, 2, 2), "loom-16", 8.0
    ),
    TextEncoder("patchloom", "/weights/text.safetensors", "cd" * 32, "loom-text", 128, 64),
    VideoVAE("patchloom", "/weights/vae.safetensors", "cd" * 32, "loom-16", 16, (4, 8, 8)),
    DiT("patchloom", "/weights/dit.safetensors", "cd" * 32, "loom-16", 16, (1, 2, 2), "loom-text", "flow"),
    ImageEncoder("wan", "/weights/wan", "cd" * 32, "wan", 1280),
    Describer("language", "/weights/llava", "cd" * 32),
    Captioner("patchloom", "/weights/captioner.safetensors", "cd" * 32, "loom-16"),
    Expander("patchloom", "/weights/expander.safetensors", "cd" * 32),
]
every_value = pytest.mark.parametrize("value", SAMPLES, ids=lambda value: type(value).__name__)


def assert_same(a: Value, b: Value) -> None:
    assert type(a) is type(b)
    for field in fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        assert type(one) is type(other), field.name
        arrays = isinstance(one, dict | np.ndarray)
        pairs = [(one, other)] if not isinstance(one, dict) else [(one[name], other[name]) for name in one | other]
        for left, right in pairs if arrays else ():
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
        assert arrays or one == other


def test_the_samples_cover_every_value_type() -> None:
    assert {type(value).__name__ for value in SAMPLES} == VALUE_TYPES.keys()


@every_value
def test_a_value_survives_the_round_trip(value: Value) -> None:
    assert_same(codec.decode(codec.encode(value)), value)


@every_value
def test_a_value_read_back_encodes_to_the_same_bytes(value: Value) -> None:
    data = codec.encode(value)
    assert codec.encode(codec.decode(data)) == data
    assert codec.blob_digest(data) == codec.content_digest(value)
    assert codec.encoded(value) == codec.Encoded(codec.content_digest(value), data)


def test_torch_and_numpy_arrays_encode_alike_and_a_clip_stays_numpy() -> None:
    for value in SAMPLES:
        as_torch = codec.decode(codec.encode(value), framework="torch")
        assert codec.content_digest(as_torch) == codec.content_digest(value)
        if isinstance(value, Clip):
            assert isinstance(as_torch.frames, np.ndarray)
        if isinstance(value, Latent):
            assert type(as_torch.data).__module__ == "torch"


def test_a_strided_array_encodes_like_its_contiguous_copy() -> None:
    frames = rng.integers(0, 256, (4, 6, 8, 3), dtype=np.uint8)
    view = frames[::2, :, ::-1]
    assert codec.encode(Clip(view, 8.0)) == codec.encode(Clip(view.copy(), 8.0))


def test_a_whole_number_frame_rate_counts_the_same_as_int_and_float() -> None:
    frames = np.zeros((1, 2, 2, 3), np.uint8)
    assert codec.content_digest(Clip(frames, 8)) == codec.content_digest(Clip(frames, 8.0))
    assert codec.content_digest(Clip(frames, np.float32(8))) == codec.content_digest(Clip(frames, 8.0))


def test_numbers_of_different_type_are_different_scalars() -> None:
    assert len({codec.content_digest(Scalar(value)) for value in (1, 1.0, True, "1")}) == 4


def test_every_field_of_a_value_counts_but_a_handles_path() -> None:
    handle = DiT("patchloom", "/a.safetensors", "cd" * 32, "loom-16", 16, (1, 2, 2), "loom-text", "flow")
    digest = codec.content_digest(handle)
    assert codec.content_digest(replace(handle, path="/b.safetensors")) == digest
    assert codec.content_digest(replace(handle, digest="ef" * 32)) != digest
    assert codec.content_digest(replace(handle, patch=(2, 2, 2))) != digest
    latent = SAMPLES[8]
    assert codec.content_digest(replace(latent, space="other")) != codec.content_digest(latent)


def test_content_digests_do_not_drift() -> None:
    """Stored results are found by these: a change here makes every cache start anew."""
    grey = Clip(np.full((2, 4, 4, 3), 127, np.uint8), 8.0)
    assert codec.content_digest(Text("a red ball"))[:16] == "6f68da4a210bb65c"
    assert codec.content_digest(grey)[:16] == "669d066949572368"


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="no value type"):
        codec.encode({"a": 1})
    with pytest.raises(ValueError, match="not Unicode"):
        codec.encode(Text("half an emoji: \ud83d"))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives(text: str) -> None:
    assert codec.decode(codec.encode(Text(text))) == Text(text)


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.text()))
def test_any_scalar_survives_with_its_type(number: object) -> None:
    back = codec.decode(codec.encode(Scalar(number))).value
    assert (type(back), back) == (type(number), number)
