"""Reading what weights files say of themselves."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from assets import weight_files
from assets.weight_files import BUILTIN, WeightsRefused, read_array, read_metadata, weights_digest

ARRAYS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros((0, 4), np.float16)}


@pytest.fixture
def weights(workspace: Path) -> Path:
    path = workspace / "model.safetensors"
    safetensors.numpy.save_file(ARRAYS, path, {"patchloom": json.dumps({"family": "loom", "dim": 4}), "format": "pt"})
    return path


def test_metadata_and_arrays_are_read(weights: Path) -> None:
    assert read_metadata(weights) == {"family": "loom", "dim": 4}
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read_array(weights, name), array)


def test_metadata_is_read_once_until_the_file_is_another(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    read_header = weight_files.read_header

    def counted(path: Path) -> dict[str, Any]:
        reads.append(path)
        return read_header(path)

    monkeypatch.setattr(weight_files, "read_header", counted)
    assert read_metadata(weights) == read_metadata(weights)
    assert reads == [weights]
    safetensors.numpy.save_file(ARRAYS, weights, {"patchloom": json.dumps({"family": "seen", "dim": 4})})
    assert read_metadata(weights)["family"] == "seen"
    weights.unlink()
    with pytest.raises(WeightsRefused):
        read_metadata(weights)


def test_weights_of_other_origin_have_empty_metadata(workspace: Path) -> None:
    path = workspace / "other.safetensors"
    for metadata in (None, {"format": "pt"}):
        safetensors.numpy.save_file(ARRAYS, path, metadata)
        assert read_metadata(path) == {}


@pytest.mark.parametrize("length", [0x0280, 0x0480])
def test_a_header_whose_length_begins_as_a_pickle_does_is_read(workspace: Path, length: int) -> None:
    path = workspace / "long.safetensors"
    safetensors.numpy.save_file(ARRAYS, path, {"said": ""})
    pad = length - int.from_bytes(path.read_bytes()[:8], "little")
    safetensors.numpy.save_file(ARRAYS, path, {"said": "x" * pad})
    assert path.read_bytes()[:2] == length.to_bytes(2, "little")
    np.testing.assert_array_equal(read_array(path, "a.weight"), ARRAYS["a.weight"])
    assert read_metadata(path) == {}


def test_the_digest_follows_the_content(weights: Path) -> None:
    assert weights_digest(weights) == hashlib.sha256(weights.read_bytes()).hexdigest()
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    os.utime(weights, ns=(1, 1))
    assert weights_digest(weights) == hashlib.sha256(data).hexdigest()


def test_an_unchanged_file_is_not_hashed_again(weights: Path) -> None:
    before = weights_digest(weights)
    stat = weights.stat()
    weights.write_bytes(b"x" * stat.st_size)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert weights_digest(weights) == before


def test_a_tensor_that_is_not_there_is_named_with_those_that_are(weights: Path) -> None:
    with pytest.raises(WeightsRefused, match=r"no tensor 'c'; it has a\.weight, b"):
        read_array(weights, "c")


def test_a_file_that_is_not_there_is_refused(workspace: Path) -> None:
    for path in (workspace / "none.safetensors", workspace):
        for ask in (read_metadata, weights_digest):
            with pytest.raises(WeightsRefused, match="there is no weights file"):
                ask(path)


def test_the_builtin_weights_stay_beside_the_code() -> None:
    assert BUILTIN.parent.name == "assets"
    for path in BUILTIN.glob("*.safetensors"):
        assert read_metadata(path), path.name
