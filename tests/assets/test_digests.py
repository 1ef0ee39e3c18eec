"""Digests of files: read once, remembered, and never waited for where nobody is to wait."""

import hashlib
import os
import threading
from pathlib import Path

import pytest

from assets import digests as module
from assets.digests import Digests, StillReading


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A file that counts as large."""
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    monkeypatch.setattr(module, "_PIECE", 4)
    path = tmp_path / "weights"
    path.write_bytes(b"some weights")
    return path


def test_a_file_is_known_by_its_bytes_and_read_again_once_they_changed(small: Path) -> None:
    known = Digests()
    assert known.of(small) == hashlib.sha256(b"some weights").hexdigest()
    small.write_bytes(b"other weights")
    assert known.of(small) == hashlib.sha256(b"other weights").hexdigest()


def test_what_was_read_is_remembered_over_a_restart(small: Path, tmp_path: Path) -> None:
    before = Digests()
    before.keep_in(tmp_path / "digests.sqlite")
    digest, stat = before.of(small), small.stat()
    small.write_bytes(b"WRONG bytes!")  # as long, and said to be as old
    os.utime(small, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    after = Digests()
    after.keep_in(tmp_path / "digests.sqlite")
    assert after.of(small) == digest


def test_a_damaged_memory_is_put_aside(small: Path, tmp_path: Path) -> None:
    (tmp_path / "digests.sqlite").write_bytes(b"no database at all, but longer than a header of one hundred bytes" * 9)
    known = Digests()
    known.keep_in(tmp_path / "digests.sqlite")
    assert known.of(small) == hashlib.sha256(b"some weights").hexdigest()


def test_a_memory_that_cannot_be_written_stops_nothing(small: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "digests.sqlite").mkdir()
    known = Digests()
    known.keep_in(folder)
    assert known.of(small) == hashlib.sha256(b"some weights").hexdigest()

    later = tmp_path / "later.sqlite"
    known.keep_in(later)
    later.unlink()
    later.mkdir()
    small.write_bytes(b"other weights")
    assert known.of(small) == hashlib.sha256(b"other weights").hexdigest()


def test_nobody_waits_for_a_large_file_that_is_being_read(small: Path) -> None:
    known = Digests()
    known.patient = False
    told = threading.Event()
    known.when_read = told.set
    with pytest.raises(StillReading) as reading:
        known.of(small)
    assert reading.value.size == 12
    for thread in known.reading():
        thread.join()
    assert told.is_set()
    assert known.of(small) == hashlib.sha256(b"some weights").hexdigest()
