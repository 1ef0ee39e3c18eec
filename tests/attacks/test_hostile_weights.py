"""Weights files that are cut short, that lie, or that are something else under the name."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from assets.weight_files import MAX_HEADER, WeightsRefused, read_array, read_metadata

WHOLE = safetensors.numpy.save({"w": np.arange(8, dtype=np.float32)}, {"patchloom": '{"family": "loom"}'})


@pytest.fixture
def refused(workspace: Path):
    """`refused(data)`: the sentence with which a file of that content is refused, by both readers alike."""

    def say(data: bytes) -> str:
        path = workspace / "model.safetensors"
        path.write_bytes(data)
        with pytest.raises(WeightsRefused) as caught:
            read_metadata(path)
        with pytest.raises(WeightsRefused):
            read_array(path, "w")
        assert "model.safetensors" in str(caught.value)
        return str(caught.value)

    return say


def file_of(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_a_file_cut_anywhere_is_refused(refused) -> None:
    for length in range(len(WHOLE)):
        assert "cut short" in refused(WHOLE[:length])


def test_surplus_bytes_are_refused(refused) -> None:
    assert "cut short or damaged" in refused(WHOLE + b"\0")


def test_a_pickle_by_content_is_refused_whatever_its_name_and_never_run(refused, workspace: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (pytest.fail, ("the pickle was run",))

    for protocol in (2, 3, 4, 5):
        assert "a Python pickle" in refused(pickle.dumps(Bomb(), protocol))
    assert "no safetensors file" in refused(pickle.dumps(Bomb(), 0))
    with zipfile.ZipFile(workspace / "torch.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    assert "a zip archive, as torch.save makes" in refused((workspace / "torch.pt").read_bytes())


def test_a_pointer_in_place_of_the_weights_is_named(refused) -> None:
    assert "git lfs pull" in refused(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")


def test_lying_lengths_are_refused_before_anything_is_read(refused) -> None:
    assert "at most" in refused((2**63).to_bytes(8, "little") + WHOLE[8:])
    assert "at most" in refused((MAX_HEADER + 1).to_bytes(8, "little") + WHOLE[8:])
    assert "cut short" in refused(MAX_HEADER.to_bytes(8, "little") + WHOLE[8:])


def test_headers_that_are_no_headers_are_refused(refused) -> None:
    for header in (b"", b"{", b"[1]", b"5", b"\xff\xfe", b"[" * 100_000):
        assert refused(file_of(header))


@pytest.mark.parametrize(
    "said",
    [
        5,
        {},
        {"data_offsets": [0]},
        {"data_offsets": [4, 0]},
        {"data_offsets": [-4, 4]},
        {"data_offsets": ["0", "4"]},
        {"data_offsets": [0, 2**62]},
    ],
)
def test_a_tensor_without_a_sensible_place_is_refused(refused, said) -> None:
    assert refused(file_of({"w": said}, b"\0\0\0\0"))


@pytest.mark.parametrize("ours", ["[]", "5", "{", ""])
def test_patchlooms_own_metadata_must_be_an_object(refused, ours: str) -> None:
    assert refused(safetensors.numpy.save({"w": np.zeros(1, np.float32)}, {"patchloom": ours}))


def test_overlapping_tensors_are_refused_by_the_reader_of_arrays(workspace: Path) -> None:
    path = workspace / "model.safetensors"
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    path.write_bytes(file_of({"v": entry, "w": entry}, b"\0\0\0\0"))
    with pytest.raises(WeightsRefused, match="cannot be read as safetensors"):
        read_array(path, "w")
