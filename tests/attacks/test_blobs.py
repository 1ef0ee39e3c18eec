"""Hostile and broken blobs: each way to be invalid is told apart, and none gets through."""

import json
import pickle

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from assets.codec import MAX_HEADER, METADATA_KEY, CorruptBlob, blob_digest, decode, encode
from assets.values import Latent, Patches, Scalar, Text

LATENT = encode(Latent(np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3), "loom-16", 8.0))


def blob(arrays: dict[str, np.ndarray] | None = None, **header: object) -> bytes:
    return safetensors.numpy.save(arrays or {}, {METADATA_KEY: json.dumps(header)})


def way_of(data: bytes) -> str:
    with pytest.raises(CorruptBlob) as caught:
        decode(data)
    assert str(caught.value)
    return caught.value.way


def test_a_blob_cut_anywhere_is_never_a_value() -> None:
    for length in range(len(LATENT)):
        assert way_of(LATENT[:length]) in ("truncated", "not safetensors")


def test_a_lying_header_length_is_refused_before_it_is_read() -> None:
    assert way_of((2**63).to_bytes(8, "little") + LATENT[8:]) == "header too long"
    assert way_of((MAX_HEADER + 1).to_bytes(8, "little") + LATENT[8:]) == "header too long"
    assert way_of((MAX_HEADER).to_bytes(8, "little") + LATENT[8:]) == "truncated"


def test_a_header_that_nests_without_end_is_refused() -> None:
    deep = b"[" * 200_000
    assert way_of(len(deep).to_bytes(8, "little") + deep) == "not safetensors"
    assert way_of(blob() + b"") == "unknown type"
    text = '{"__metadata__":{"patchloom":"' + "[" * 200_000 + '"}}'
    assert way_of(len(text).to_bytes(8, "little") + text.encode()) == "foreign"


def test_a_pickle_is_refused_and_not_run() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (pytest.fail, ("the pickle was run",))

    assert way_of(pickle.dumps(Bomb())) in ("header too long", "truncated", "not safetensors")


def test_other_peoples_safetensors_are_foreign() -> None:
    assert way_of(safetensors.numpy.save({"w": np.zeros(3, np.float32)})) == "foreign"
    assert way_of(safetensors.numpy.save({}, {METADATA_KEY: "[]"})) == "foreign"


def test_a_tensor_that_lies_about_its_size_is_refused() -> None:
    lying = LATENT.replace(b'"shape":[2,2,2,3]', b'"shape":[2,2,2,9]')
    assert lying != LATENT
    assert way_of(lying) == "not safetensors"


def test_fields_that_are_missing_surplus_or_of_another_type_are_refused() -> None:
    data = np.zeros((2, 2, 2, 3), np.float32)
    assert way_of(blob(type="os.system", fields={})) == "unknown type"
    assert way_of(blob(type="Text", fields={})) == "wrong fields"
    assert way_of(blob(type="Text", fields="text")) == "wrong fields"
    assert way_of(blob(type="Text", fields={"text": 5})) == "wrong fields"
    assert way_of(blob(type="Text", fields={"text": "a", "__class__": "b"})) == "wrong fields"
    assert way_of(blob({"text": data}, type="Text", fields={"text": "a"})) == "wrong fields"
    assert way_of(blob(type="Latent", fields={"data": 1, "space": "a", "fps": 8})) == "wrong fields"
    assert way_of(blob({"data": data}, type="Latent", fields={"space": "a", "fps": "fast"})) == "wrong fields"
    assert way_of(blob({"data": data[0]}, type="Latent", fields={"space": "a", "fps": 8})) == "wrong fields"
    assert way_of(blob({"frames": data}, type="Clip", fields={"fps": 8})) == "wrong fields"


def test_patches_whose_grids_do_not_hold_their_tokens_are_refused() -> None:
    arrays = {"tokens": np.zeros((4, 8), np.float32), "noise": np.zeros(4, np.float32)}
    said = {"patch": [1, 2, 2], "space": "loom-16", "fps": 8.0}
    assert isinstance(decode(blob(arrays, type="Patches", fields={"grids": [[1, 2, 2]], **said})), Patches)
    for grids in ([[9, 9, 9]], [[1, 2]], [1, 2, 2], "122", None):
        assert way_of(blob(arrays, type="Patches", fields={"grids": grids, **said})) == "wrong fields"


@given(st.integers(0, len(LATENT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_the_digest(at: int, by: int) -> None:
    changed = bytearray(LATENT)
    changed[at] ^= by
    try:
        digest = blob_digest(bytes(changed))
    except CorruptBlob:
        return
    assert digest != blob_digest(LATENT)


@given(st.binary(max_size=64))
def test_noise_is_never_a_value(data: bytes) -> None:
    way_of(data)


def test_small_values_still_decode() -> None:
    assert decode(encode(Text(""))) == Text("")
    assert decode(encode(Scalar(0))) == Scalar(0)
