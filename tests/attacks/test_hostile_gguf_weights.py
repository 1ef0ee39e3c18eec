"""GGUF files that are cut short, that lie, or that are something else under the name."""

import pickle
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from assets.weight_files import WeightsRefused
from assets.weight_headers import read_weight_header


@pytest.fixture
def whole(workspace: Path) -> bytes:
    path = workspace / "whole.gguf"
    writer = gguf.GGUFWriter(path, "wan")
    writer.add_array("names", ["a", "b"])
    few = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("w", gguf.quants.quantize(np.ones((2, 32), np.float32), few), raw_dtype=few)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return path.read_bytes()


def refused(workspace: Path, data: bytes) -> str:
    path = workspace / "model.gguf"
    path.write_bytes(data)
    with pytest.raises(WeightsRefused) as caught:
        read_weight_header(path)
    assert "model.gguf" in str(caught.value)
    return str(caught.value)


def test_a_whole_one_is_read(workspace: Path, whole: bytes) -> None:
    header = read_weight_header(workspace / "whole.gguf")
    assert (header.tensors["w"].dtype, header.tensors["w"].shape, header.gguf) == ("Q8_0", (2, 32), True)


def test_a_file_cut_anywhere_is_refused(workspace: Path, whole: bytes) -> None:
    end = len(whole) - len(whole) % 32 if len(whole) % 32 else len(whole)
    data = 2 * 34
    for length in range(end - data):
        assert refused(workspace, whole[:length])


def test_lying_counts_are_refused_before_anything_is_read(workspace: Path, whole: bytes) -> None:
    assert "at most" in refused(workspace, whole[:8] + struct.pack("<Q", 2**63) + whole[16:])
    assert "at most" in refused(workspace, whole[:16] + struct.pack("<Q", 2**63) + whole[24:])
    assert "versions 2 and 3" in refused(workspace, whole[:4] + struct.pack("<I", 9) + whole[8:])


def test_a_tensor_that_ends_behind_the_file_or_is_of_no_known_kind_is_refused(workspace: Path, whole: bytes) -> None:
    place = whole.index(b"\x01\x00\x00\x00\x00\x00\x00\x00w") + 9
    sides = place + 4
    assert "cut short" in refused(workspace, whole[:sides] + struct.pack("<Q", 32 << 40) + whole[sides + 8 :])
    assert "cannot hold" in refused(workspace, whole[:sides] + struct.pack("<Q", 33) + whole[sides + 8 :])
    kind = sides + 16
    assert "ggml type 99" in refused(workspace, whole[:kind] + struct.pack("<I", 99) + whole[kind + 4 :])


def test_a_pickle_is_refused_by_content_whatever_its_name(workspace: Path) -> None:
    assert "a Python pickle" in refused(workspace, pickle.dumps({"w": 1}))
