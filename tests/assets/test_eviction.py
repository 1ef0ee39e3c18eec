"""A store within its budget: what goes first, what never goes, and what killed processes leave behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.codec import Encoded, encoded
from assets.store import BlobMissing, Made, Store
from assets.store.leases import Leases
from assets.values import Latent, Text

BYTES = len(encoded(Text("text 0")).data)


@pytest.fixture
def store(workspace: Path) -> Iterator[Store]:
    opened = Store(workspace / "store")
    yield opened
    opened.close()


def keep(store: Store, number: int, seconds: float = 1.0, blob: Encoded | None = None) -> str:
    """Keep a result of `BYTES` bytes, or that blob, and return its key."""
    key = f"key {number}"
    store.keep([Made(key, "prompt", {"text": blob or encoded(Text(f"text {number}"))}, seconds, "cpu")])
    return key


def kept(store: Store) -> set[str]:
    return {action.key for action in store.entries()}


def test_what_is_cheapest_to_make_again_goes_first(store: Store) -> None:
    keys = [keep(store, number, seconds) for number, seconds in enumerate([3.0, 1.0, 2.0, 4.0])]
    store.budget = 2 * BYTES
    freed = store.trim()
    assert (freed.entries, freed.bytes) == (2, 2 * BYTES)
    assert kept(store) == {keys[0], keys[3]}
    assert store.size() == 2 * BYTES


def test_large_results_go_before_small_ones_that_took_as_long(store: Store) -> None:
    large = encoded(Latent(np.zeros((4, 1, 128, 128), np.float32), "loom-16", 8.0))
    small, big = keep(store, 0), keep(store, 1, blob=large)
    store.budget = len(large.data)
    store.trim()
    assert kept(store) == {small}
    assert store.lookup(big) is None
    assert not list((store.folder / "blobs").glob("*/*"))


def test_of_two_alike_the_one_used_last_stays(store: Store) -> None:
    first, second = keep(store, 0), keep(store, 1)
    assert store.lookup(first)
    store.budget = BYTES
    store.trim()
    assert kept(store) == {first}
    assert store.lookup(second) is None


def test_what_is_never_used_again_goes_in_the_end_however_long_it_took(store: Store) -> None:
    dear = keep(store, 0, seconds=3.0)
    store.budget = 2 * BYTES
    for number in range(1, 9):
        keep(store, number)
        store.trim()
        assert store.size() <= store.budget
    assert dear not in kept(store)


def test_what_is_used_stays_while_others_come_and_go(store: Store) -> None:
    used = keep(store, 0)
    store.budget = 2 * BYTES
    for number in range(1, 9):
        keep(store, number)
        assert store.lookup(used)
        store.trim()
    assert used in kept(store)


def test_a_pinned_result_is_never_evicted(store: Store) -> None:
    pinned, other = keep(store, 0, seconds=0.0), keep(store, 1, seconds=9.0)
    store.pin(pinned)
    store.budget = 0
    store.trim()
    assert kept(store) == {pinned}
    keep(store, 0)
    assert store.entries()[0].pinned
    store.pin(pinned, False)
    store.trim()
    assert kept(store) == set()
    assert store.lookup(other) is None


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_a_blob_that_another_result_has_stays(store: Store, first: int, second: int) -> None:
    shared = encoded(Text("shared"))
    keys = [keep(store, number, 1.0, shared) for number in range(2)]
    assert store.forget(keys[first]).bytes == 0
    assert store.lookup(keys[second])
    assert store.get(shared.digest) == Text("shared")
    assert store.forget(keys[second]).bytes == len(shared.data)
    with pytest.raises(BlobMissing):
        store.get(shared.digest)


def test_a_value_put_anew_survives_the_eviction_of_the_old_result(store: Store) -> None:
    """It was put and is about to be recorded, for another node."""
    keep(store, 0)
    digest = store.put(Text("text 0"))
    store.forget("key 0")
    assert store.get(digest) == Text("text 0")


def test_nothing_that_a_run_uses_is_evicted_until_it_ends(store: Store, workspace: Path) -> None:
    before, looked_up = keep(store, 0), keep(store, 1)
    other = Store(workspace / "store", budget=0)
    with store.running():
        assert store.lookup(looked_up)
        made = keep(store, 2)
        store.entries()
        other.trim()
        assert kept(other) == {looked_up, made}
    assert before not in kept(store)
    other.trim()
    assert kept(other) == set()
    other.close()


def test_a_run_begins_after_all_that_came_before_it(workspace: Path) -> None:
    """Its lease is a file, and a file's own times lag."""
    leases = Leases(workspace)
    for _ in range(20):
        before = time.time()
        with leases.held():
            assert leases.oldest() >= before


def test_a_run_whose_process_was_killed_holds_nothing(store: Store) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(store.folder)], stdout=subprocess.PIPE)
    assert holder.stdout
    with holder.stdout:
        assert holder.stdout.readline()
        key = keep(store, 0)
        (lease,) = (store.folder / "runs").iterdir()
        long_ago = time.time() - 7200
        os.utime(lease, (long_ago, long_ago))
        store.budget = 0
        store.trim()
        assert kept(store) == {key}
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    store.trim()
    assert kept(store) == set()
    assert not lease.exists()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["keep", "look", "pin", "unpin"]), st.integers(0, 7)), max_size=40))
def test_the_budget_holds_whatever_happened(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    store = Store(tmp_path_factory.mktemp("store"), budget=3 * BYTES)
    pinned: set[str] = set()
    for act, number in acts:
        key = f"key {number}"
        if act == "keep":
            keep(store, number, seconds=number / 4)
        elif act == "look":
            store.lookup(key)
        else:
            store.pin(key, act == "pin")
        pinned = {action.key for action in store.entries() if action.pinned}
        store.trim()
        assert pinned <= kept(store)
        assert store.size() <= max(store.budget or 0, len(pinned) * BYTES)
        assert store.size() == len(kept(store)) * BYTES
        assert all(store.lookup(there) for there in kept(store))
    store.close()


def test_gc_deletes_what_nobody_will_ask_for(store: Store) -> None:
    long_ago = time.time() - 30 * 24 * 3600
    unknown = store.folder / "blobs" / "ab" / ("ab" * 32)
    unknown.parent.mkdir()
    unknown.write_bytes(b"a blob whose row was never committed")
    store.partial("old").append({"latent": np.zeros(3)})
    store.partial("new").append({"latent": np.zeros(3)})
    for path in (unknown, store.folder / "partial" / "old"):
        os.utime(path, (long_ago, long_ago))
    known = keep(store, 0)
    store.gc()
    assert not unknown.exists()
    assert store.partial("old").all() == []
    assert len(store.partial("new").all()) == 1
    assert kept(store) == {known}


def test_processes_that_put_get_evict_verify_and_clear_at_once_never_see_a_wrong_value(workspace: Path) -> None:
    folder = workspace / "store"
    Store(folder).close()
    processes = [
        subprocess.Popen([sys.executable, "-c", RACE, str(folder), part], stderr=subprocess.PIPE, text=True)
        for part in ("put", "put", "get", "tidy")
    ]
    for process in processes:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
    store = Store(folder)
    assert store.verify() == []
    for action in store.entries():
        if store.lookup(action.key):
            for digest in action.outputs.values():
                store.get(digest)
    store.close()


HOLD = """
import sys, time
from pathlib import Path
from assets.store import Store
store = Store(Path(sys.argv[1]))
with store.running():
    print("held", flush=True)
    time.sleep(600)
"""

RACE = """
import sys
from pathlib import Path
import numpy as np
from assets.codec import encoded
from assets.store import BlobMissing, Made, Store
from assets.store.leases import Leases
from assets.values import Clip, Latent, Text

store = Store(Path(sys.argv[1]), budget=300_000)
small = [Text(f"value {number}") for number in range(12)]
large = [Clip(np.full((4, 96, 96, 3), number, np.uint8), 8.0) for number in range(3)]
large.append(Latent(np.ones((4, 1, 96, 96), np.float32), 'loom-16', 8.0))
values = {blob.digest: value for value in [*small, *large] for blob in [encoded(value)]}
for turn in range(60):
    for number, (digest, value) in enumerate(values.items()):
        if sys.argv[2] == "put" and (turn + number) % 3 == 0:
            store.keep([Made(f"key {number}", "make", {"made": encoded(value)}, number, "cpu")])
        elif sys.argv[2] == "get":
            store.lookup(f"key {number}")
            try:
                found = store.get(digest)
            except BlobMissing as missing:
                assert "damaged" not in str(missing), missing
            else:
                assert encoded(found).digest == digest
    if sys.argv[2] == "tidy":
        store.trim()
        assert store.verify() == []
        if turn % 5 == 0:
            store.gc()
        if turn % 20 == 0:
            store.clear()
store.close()
"""
