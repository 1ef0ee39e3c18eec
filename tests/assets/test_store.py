"""The store keeps results across processes, crashes and damage."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assets.codec import content_digest, encode
from assets.store import BlobMissing, Store
from assets.values import Clip, Latent, Text, VideoVAE

CLIP = Clip(np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3), 8.0)


@pytest.fixture
def store(workspace: Path) -> Iterator[Store]:
    opened = Store(workspace / "store")
    yield opened
    opened.close()


def test_a_value_comes_back_by_its_digest(store: Store) -> None:
    digest = store.put(CLIP)
    assert digest == content_digest(CLIP)
    np.testing.assert_array_equal(store.get(digest).frames, CLIP.frames)
    assert store.spec_json(digest) == {
        "type": "ClipSpec",
        "frames": 2,
        "height": 4,
        "width": 5,
        "fps": 8.0,
        "channels": 3,
    }
    assert store.size() == store.path(digest).stat().st_size > CLIP.frames.nbytes


def test_arrays_come_back_as_tensors_when_asked_for(store: Store) -> None:
    digest = store.put(Latent(np.ones((2, 1, 3, 4), np.float32), "loom-16", 8.0))
    assert type(store.get(digest, framework="torch").data).__module__ == "torch"


def test_results_outlive_the_process(store: Store, workspace: Path) -> None:
    store.record("key", "blur", {"clip": store.put(CLIP)}, 1.5, "cpu", peak_bytes=7)
    store.close()
    again = Store(workspace / "store")
    action = again.lookup("key")
    assert action is not None
    assert (action.node_type, action.seconds, action.device, action.peak_bytes) == ("blur", 1.5, "cpu", 7)
    assert again.entries() == [action]
    assert again.get(action.outputs["clip"]).fps == 8.0
    again.close()


def test_an_unknown_key_is_a_miss(store: Store) -> None:
    assert store.lookup("never seen") is None


def test_recording_a_key_again_replaces_what_it_gave(store: Store) -> None:
    for text in ("one", "two"):
        store.record("key", "prompt", {"text": store.put(Text(text))}, 0.0, "cpu")
    action = store.lookup("key")
    assert action is not None
    assert store.get(action.outputs["text"]) == Text("two")
    assert len(store.entries()) == 1


def test_an_action_with_a_missing_output_is_a_miss(store: Store) -> None:
    outputs = {"a": store.put(Text("a")), "b": store.put(Text("b"))}
    store.record("key", "split", outputs, 0.0, "cpu")
    assert store.lookup("key") is not None
    store.path(outputs["b"]).unlink()
    assert store.lookup("key") is None


def test_putting_a_value_again_does_not_write(store: Store) -> None:
    path = store.path(store.put(CLIP))
    before = path.stat()
    store.put(CLIP)
    assert path.stat().st_ino == before.st_ino


def test_a_model_that_moved_is_found_at_its_new_place(store: Store) -> None:
    digests = {store.put(VideoVAE("patchloom", path, "ab" * 32, "loom-16", 16, (4, 8, 8))) for path in ("/old", "/new")}
    (digest,) = digests
    assert store.get(digest).path == "/new"


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "swap"])
def test_a_damaged_blob_is_a_miss_and_is_deleted(store: Store, damage: str) -> None:
    digest = store.put(CLIP)
    store.record("key", "blur", {"clip": digest}, 0.0, "cpu")
    path = store.path(digest)
    data = path.read_bytes()
    path.write_bytes(
        {"flip": data[:-1] + b"?", "cut": data[:-1], "empty": b"", "swap": encode(Text("another value"))}[damage]
    )
    with pytest.raises(BlobMissing, match="damaged"):
        store.get(digest)
    assert not path.exists()
    assert store.lookup("key") is None
    assert store.put(CLIP) == digest
    assert store.lookup("key") is not None


def test_a_damaged_handle_is_noticed_though_its_path_is_free(store: Store) -> None:
    digest = store.put(VideoVAE("patchloom", "/old", "ab" * 32, "loom-16", 16, (4, 8, 8)))
    path = store.path(digest)
    path.write_bytes(encode(VideoVAE("patchloom", "/old", "cd" * 32, "loom-16", 16, (4, 8, 8))))
    with pytest.raises(BlobMissing, match="damaged"):
        store.get(digest)


def test_verify_deletes_exactly_what_is_damaged(store: Store) -> None:
    good, bad = store.put(Text("good")), store.put(Text("bad"))
    store.path(bad).write_bytes(b"nonsense")
    assert store.verify() == [bad]
    assert store.verify() == []
    assert store.get(good) == Text("good")


def test_clear_forgets_everything(store: Store) -> None:
    digest = store.put(CLIP)
    store.record("key", "blur", {"clip": digest}, 0.0, "cpu")
    store.clear()
    assert (store.size(), store.entries(), store.lookup("key")) == (0, [], None)
    with pytest.raises(BlobMissing):
        store.get(digest)
    with pytest.raises(BlobMissing):
        store.spec_json(digest)


@pytest.mark.parametrize("name", ["../../index-1.db", "", "a" * 63, "A" * 64, "../" * 21 + "a", "a" * 64 + "\n"])
def test_what_is_no_digest_leads_nowhere(store: Store, name: str) -> None:
    for ask in (store.get, store.path, store.spec_json):
        with pytest.raises(BlobMissing):
            ask(name)


def test_threads_share_a_store(store: Store) -> None:
    together(lambda worker: fill(store, worker), 6)
    assert len(store.entries()) == 60
    assert store.verify() == []
    assert store.get(content_digest(Text("shared 3"))) == Text("shared 3")


def test_processes_share_a_folder_from_its_first_moment(workspace: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=fill_as_process, args=(workspace / "store", worker)) for worker in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    opened = Store(workspace / "store")
    assert len(opened.entries()) == 30
    assert opened.verify() == []
    opened.close()


def test_many_openings_at_once_all_succeed(workspace: Path) -> None:
    together(lambda _: Store(workspace / "store").close(), 12)


def test_a_death_in_the_middle_of_a_put_leaves_no_half_blob(workspace: Path) -> None:
    """The kernel ends the process at byte 100,000 of a larger blob."""
    died = subprocess.run([sys.executable, "-c", WRITE_WITH_NO_ROOM, str(workspace / "store"), "die"])
    assert died.returncode == -signal.SIGXFSZ
    (half,) = (workspace / "store" / "tmp").iterdir()
    assert half.stat().st_size == 100_000
    opened = Store(workspace / "store")
    assert opened.size() == 0
    assert opened.verify() == []
    opened.close()


def test_kills_at_any_moment_leave_only_whole_blobs(workspace: Path) -> None:
    """The process is killed while it writes without end; every blob that is visible afterwards is whole."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_WITHOUT_END, str(workspace / "store")], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer.stdout:
        for _ in range(3):
            assert writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    opened = Store(workspace / "store")
    assert opened.verify() == []
    assert len(opened.entries()) >= 3
    assert all(opened.lookup(action.key) for action in opened.entries())
    opened.close()


def test_a_write_that_fails_leaves_nothing_and_says_so(workspace: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", WRITE_WITH_NO_ROOM, str(workspace / "store")], capture_output=True, text=True, check=True
    )
    assert "could not be kept" in said.stdout
    assert not list((workspace / "store" / "tmp").iterdir())
    assert not list((workspace / "store" / "blobs").glob("*/*"))


def test_leftovers_of_a_killed_write_are_swept_but_not_a_write_in_progress(store: Store, workspace: Path) -> None:
    store.close()
    old, new = workspace / "store" / "tmp" / "old", workspace / "store" / "tmp" / "new"
    for path in (old, new):
        path.write_bytes(b"half a blob")
    os.utime(old, (time.time() - 7200,) * 2)
    Store(workspace / "store").close()
    assert not old.exists()
    assert new.exists()


def test_a_damaged_index_is_put_aside_and_begun_anew(store: Store, workspace: Path) -> None:
    store.record("key", "blur", {"clip": store.put(CLIP)}, 0.0, "cpu")
    store.close()
    index = workspace / "store" / "index-1.db"
    index.write_bytes(b"this is no database" * 500)
    again = Store(workspace / "store")
    assert again.entries() == []
    again.record("key", "blur", {"clip": again.put(CLIP)}, 0.0, "cpu")
    assert again.lookup("key") is not None
    again.close()
    assert list((workspace / "store").glob("index-1.damaged-*"))


def test_the_index_is_a_write_ahead_log(store: Store, workspace: Path) -> None:
    """Readers do not wait for a writer: one process can look up while another records."""
    writer = sqlite3.connect(workspace / "store" / "index-1.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.lookup("key") is None
    writer.execute("ROLLBACK")
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.close()


def together(work, count: int) -> None:
    """Run `work(0)` ... `work(count - 1)` in as many threads, and fail if any of them does."""
    failures: list[BaseException] = []

    def guarded(index: int) -> None:
        try:
            work(index)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def fill(store: Store, worker: int) -> None:
    for index in range(10):
        digest = store.put(Text(f"shared {index}"))
        store.record(f"{worker}-{index}", "prompt", {"text": digest}, 0.0, "cpu")
        assert store.lookup(f"{worker}-{index}") is not None
        assert store.get(digest) == Text(f"shared {index}")


def fill_as_process(folder: Path, worker: int) -> None:
    store = Store(folder)
    fill(store, worker)
    store.close()


WRITE_WITHOUT_END = """
import itertools, sys
from pathlib import Path
import numpy as np
from assets.store import Store
from assets.values import Clip
store = Store(Path(sys.argv[1]))
for number in itertools.count():
    digest = store.put(Clip(np.full((8, 128, 128, 3), number % 256, np.uint8), 8.0 + number))
    store.record(str(number), "make", {"clip": digest}, 0.0, "cpu")
    print(number, flush=True)
"""

WRITE_WITH_NO_ROOM = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from assets.store import Store
from assets.values import Clip
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if "die" in sys.argv:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.put(Clip(np.zeros((4, 256, 256, 3), np.uint8), 8.0))
except OSError as error:
    print(error)
"""
