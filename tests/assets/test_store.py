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

from assets.codec import content_digest, encode, encoded
from assets.store import BlobMissing, Made, Store
from assets.store.actions import AT_ONCE
from assets.values import Clip, Latent, Text, VideoVAE

CLIP = Clip(np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3), 8.0)
LARGE = Clip(np.resize(np.arange(251, dtype=np.uint8), (4, 128, 160, 3)), 8.0)
small_and_large = pytest.mark.parametrize("value", [CLIP, LARGE], ids=["small", "large"])


@pytest.fixture
def store(workspace: Path) -> Iterator[Store]:
    opened = Store(workspace / "store")
    yield opened
    opened.close()


@small_and_large
def test_a_value_comes_back_by_its_digest(store: Store, value: Clip) -> None:
    digest = store.put(value)
    assert digest == content_digest(value)
    np.testing.assert_array_equal(store.get(digest).frames, value.frames)


def test_large_blobs_are_files_and_small_ones_are_not(store: Store) -> None:
    assert not blob_file(store, store.put(CLIP)).exists()
    assert blob_file(store, store.put(LARGE)).exists()


def test_the_size_is_that_on_disk(store: Store) -> None:
    store.put(CLIP)
    assert store.size() == len(encode(CLIP))
    file = blob_file(store, store.put(LARGE))
    assert store.size() == len(encode(CLIP)) + file.stat().st_size
    store.put(LARGE)
    assert store.size() == len(encode(CLIP)) + file.stat().st_size < len(encode(LARGE)) / 2


def test_arrays_come_back_as_tensors_when_asked_for(store: Store) -> None:
    digest = store.put(Latent(np.ones((2, 1, 3, 4), np.float32), "loom-16", 8.0))
    assert type(store.get(digest, framework="torch").data).__module__ == "torch"


def test_results_outlive_the_process(store: Store, workspace: Path) -> None:
    store.record("key", "blur", {"clip": store.put(CLIP)}, 1.5, "cpu", peak_bytes=7)
    store.close()
    again = Store(workspace / "store")
    action = again.named("key")
    assert (action.node_type, action.seconds, action.device, action.peak_bytes) == ("blur", 1.5, "cpu", 7)
    assert again.lookup("key") == action.outputs
    assert again.get(action.outputs["clip"]).fps == 8.0
    again.close()


def test_an_unknown_key_is_a_miss(store: Store) -> None:
    assert store.lookup("never seen") is None


def test_recording_a_key_again_replaces_what_it_gave(store: Store) -> None:
    for text in ("one", "two"):
        store.record("key", "prompt", {"text": store.put(Text(text))}, 0.0, "cpu")
    outputs = store.lookup("key")
    assert outputs is not None
    assert store.get(outputs["text"]) == Text("two")
    assert len(store.entries()) == 1


@small_and_large
def test_an_action_with_a_missing_output_is_a_miss(store: Store, value: Clip) -> None:
    outputs = {"a": store.put(Text("a")), "b": store.put(value)}
    store.record("key", "split", outputs, 0.0, "cpu")
    assert store.lookup("key") is not None
    spoil(store, outputs["b"], None)
    assert store.lookup("key") is None
    with pytest.raises(BlobMissing, match="run again"):
        store.get(outputs["b"])
    store.put(value)
    assert store.lookup("key") is not None


@small_and_large
def test_what_was_asked_for_lately_is_read_at_once(store: Store, value: Clip) -> None:
    whole, torn, other = ({"a": store.put(Text(name)), "b": store.put(value)} for name in ("whole", "torn", "other"))
    for key, outputs in {"whole": whole, "torn": torn, "other": other}.items():
        store.record(key, "split", outputs, 0.0, "cpu")
    assert store.lookup("torn") == torn
    spoil(store, torn["a"], None)
    assert [store.lookup(key) for key in ("never seen", "whole")] == [None, whole]
    for _ in range(2):
        lookup = store.at_once()
        assert [lookup(key) for key in ("never seen", "torn", "whole", "other")] == [None, None, whole, other]
    store.clear()
    assert lookup("whole") == whole
    assert store.at_once()("whole") is None


def test_more_is_read_at_once_than_one_statement_asks_for(store: Store) -> None:
    texts = [encoded(Text(f"text {number}")) for number in range(2 * AT_ONCE + 1)]
    store.keep([Made(blob.digest, "prompt", {"text": blob}, 1.0, "cpu") for blob in texts])
    assert all(store.lookup(blob.digest) for blob in texts)
    lookup = store.at_once()
    store.clear()
    assert [lookup(blob.digest) for blob in texts] == [{"text": blob.digest} for blob in texts]


def test_what_was_read_at_once_counts_as_used_when_it_is_looked_up(store: Store) -> None:
    for key in ("wanted", "not wanted"):
        store.record(key, "prompt", {"text": store.put(Text(key))}, 1.0, "cpu")
        store.lookup(key)
    before = {action.key: action.used for action in store.entries()}
    store.at_once()("wanted")
    assert {action.key for action in store.entries() if action.used > before[action.key]} == {"wanted"}


def test_putting_a_large_value_again_does_not_write(store: Store) -> None:
    path = blob_file(store, store.put(LARGE))
    before = path.stat()
    store.put(LARGE)
    assert path.stat().st_ino == before.st_ino


def test_what_several_nodes_made_is_kept_together_or_not_at_all(store: Store) -> None:
    texts = [encoded(Text(f"kept {number}")) for number in range(3)]
    store.keep([Made(f"key {blob.digest}", "prompt", {"text": blob}, 1.0, "cpu") for blob in texts])
    assert all(store.lookup(f"key {blob.digest}") for blob in texts)
    torn = Made("torn", "prompt", {"text": encoded(LARGE)}, "no number", None)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        store.keep([Made("whole", "prompt", {"text": encoded(Text("whole"))}, 1.0, "cpu"), torn])
    assert store.lookup("whole") is None
    with pytest.raises(BlobMissing):
        store.get(content_digest(Text("whole")))
    assert not list((store.folder / "tmp").iterdir())


def test_a_model_that_moved_is_found_at_its_new_place(store: Store) -> None:
    digests = {store.put(VideoVAE("patchloom", path, "ab" * 32, "loom-16", 16, (4, 8, 8))) for path in ("/old", "/new")}
    (digest,) = digests
    assert store.get(digest).path == "/new"


@small_and_large
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "swap"])
def test_a_damaged_blob_is_a_miss_and_is_deleted(store: Store, value: Clip, damage: str) -> None:
    digest = store.put(value)
    store.record("key", "blur", {"clip": digest}, 0.0, "cpu")
    data = encode(value)
    spoil(
        store,
        digest,
        {"flip": data[:-1] + b"?", "cut": data[:-1], "empty": b"", "swap": encode(Text("another value"))}[damage],
    )
    with pytest.raises(BlobMissing, match="damaged"):
        store.get(digest)
    assert not blob_file(store, digest).exists()
    assert store.lookup("key") is None
    assert store.put(value) == digest
    assert store.lookup("key") is not None


def test_a_damaged_handle_is_noticed_though_its_path_is_free(store: Store) -> None:
    digest = store.put(VideoVAE("patchloom", "/old", "ab" * 32, "loom-16", 16, (4, 8, 8)))
    spoil(store, digest, encode(VideoVAE("patchloom", "/old", "cd" * 32, "loom-16", 16, (4, 8, 8))))
    with pytest.raises(BlobMissing, match="damaged"):
        store.get(digest)


def test_verify_deletes_exactly_what_is_damaged(store: Store) -> None:
    good, bad, worse = store.put(Text("good")), store.put(Text("bad")), store.put(LARGE)
    for digest in (bad, worse):
        spoil(store, digest, b"nonsense")
    assert store.verify() == sorted([bad, worse])
    assert store.verify() == []
    assert store.get(good) == Text("good")


def test_clear_forgets_everything(store: Store) -> None:
    digest = store.put(CLIP)
    store.record("key", "blur", {"clip": digest}, 0.0, "cpu")
    store.clear()
    assert (store.size(), store.entries(), store.lookup("key")) == (0, [], None)
    with pytest.raises(BlobMissing):
        store.get(digest)


@pytest.mark.parametrize("name", ["../../index.db", "", "a" * 63, "A" * 64, "../" * 21 + "a", "a" * 64 + "\n"])
def test_what_is_no_digest_leads_nowhere(store: Store, name: str) -> None:
    with pytest.raises(BlobMissing):
        store.get(name)


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
    index = workspace / "store" / "index.db"
    index.write_bytes(b"this is no database" * 500)
    again = Store(workspace / "store")
    assert again.entries() == []
    again.record("key", "blur", {"clip": again.put(CLIP)}, 0.0, "cpu")
    assert again.lookup("key") is not None
    again.close()
    assert list((workspace / "store").glob("index.damaged-*"))


def test_an_index_damaged_in_the_middle_says_so_and_is_mended(store: Store, workspace: Path) -> None:
    for number in range(200):
        store.record(f"key {number}", "blur", {"text": store.put(Text(f"text {number}" * 50))}, 0.0, "cpu")
    assert not store.mend()
    store.close()
    with (workspace / "store" / "index.db").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"?" * 40 * 4096)
    again = Store(workspace / "store")
    with pytest.raises(OSError, match="run `patchloom cache verify`"):
        again.entries()
    assert again.mend()
    assert again.entries() == []
    again.record("key", "blur", {"text": again.put(Text("anew"))}, 0.0, "cpu")
    assert again.lookup("key")
    again.close()


def test_the_index_is_a_write_ahead_log(store: Store, workspace: Path) -> None:
    """Readers do not wait for a writer: one process can look up while another records."""
    writer = sqlite3.connect(workspace / "store" / "index.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.lookup("key") is None
    writer.execute("ROLLBACK")
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.close()


def blob_file(store: Store, digest: str) -> Path:
    return store.folder / "blobs" / digest[:2] / digest


def spoil(store: Store, digest: str, data: bytes | None) -> None:
    """Have a blob hold `data`, as a failing disk does; None: be gone."""
    path = blob_file(store, digest)
    if path.exists():
        path.unlink() if data is None else path.write_bytes(data)
        return
    database = sqlite3.connect(store.folder / "index.db")
    with database:
        if data is None:
            database.execute("DELETE FROM blobs WHERE digest = ?", (digest,))
        else:
            database.execute("UPDATE blobs SET data = ? WHERE digest = ?", (data, digest))
    database.close()


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
from assets.values import Latent
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if "die" in sys.argv:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.put(Latent(np.zeros((4, 1, 128, 128), np.float32), "loom-16", 8.0))
except OSError as error:
    print(error)
"""
