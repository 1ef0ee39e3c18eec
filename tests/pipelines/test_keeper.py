"""Results are on disk when it is said that they are, and one that cannot be kept takes no other with it."""

import queue
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from engine_bench import TIMEOUT

from assets.codec import encoded
from assets.store import Made, Store
from assets.values import Mask, Text, Value
from pipelines.executors.keeper import Keeper


def made(name: str, value: Value) -> Made:
    return Made(name, "test", {"out": encoded(value)}, 0.1, "cpu")


def kept(keeper: Keeper, *results: Made) -> dict[str, Exception | None]:
    """What the keeper answers, by key."""
    answers: queue.SimpleQueue[tuple[str, Exception | None]] = queue.SimpleQueue()
    for result in results:
        keeper.keep(result, lambda trouble, key=result.key: answers.put((key, trouble)))  # type: ignore[misc]
    return dict(answers.get(timeout=TIMEOUT) for _ in results)


def test_what_is_answered_for_is_on_disk(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert kept(Keeper(store), *(made(str(number), Text(str(number))) for number in range(50))) == {
        str(number): None for number in range(50)
    }
    another = Store(tmp_path)
    assert all(another.lookup(str(number)) for number in range(50))
    another.close()
    store.close()


def test_a_result_that_the_disk_refuses_takes_no_other_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shutil.rmtree(tmp_path / "tmp")
    large: Any = np.random.default_rng(0).random((1, 256, 256), np.float32)
    answers = kept(Keeper(store), made("large", Mask(large)), made("small", Text("small")))
    assert isinstance(answers["large"], OSError)
    assert answers["small"] is None
    assert store.lookup("small")
    assert store.lookup("large") is None
    store.close()


def test_a_store_that_is_gone_is_answered_with_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keeper = Keeper(store)
    store.close()
    assert kept(keeper, made("late", Text("late")))["late"]
