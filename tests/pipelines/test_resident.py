"""What stays in a worker is bounded, and the values of late are the ones that stay."""

import numpy as np

from assets.values import Latent
from pipelines.executors.resident import RecentValues


def latent(size: int) -> Latent:
    return Latent(np.zeros((1, 1, 1, size), np.float32), "test", 8.0)


def test_the_value_that_was_not_used_for_longest_is_dropped_first() -> None:
    values = RecentValues(budget=12)
    for name in "abc":
        values.put(name, latent(1))
    values.get("a")
    values.put("d", latent(1))
    assert [name for name in "abcd" if values.get(name)] == ["a", "c", "d"]


def test_a_value_put_again_counts_once() -> None:
    values = RecentValues(budget=8)
    for name in "aab":
        values.put(name, latent(1))
    assert values.get("a")
    assert values.get("b")


def test_a_value_larger_than_the_budget_does_not_stay() -> None:
    values = RecentValues(budget=8)
    values.put("a", latent(100))
    values.put("b", latent(2))
    assert values.get("a") is None
    assert values.get("b")


def test_a_smaller_budget_is_held_at_once() -> None:
    values = RecentValues(10**6)
    for name in "ab":
        values.put(name, latent(1))
    values.bound(values.bytes - 1)
    assert [name for name in "ab" if values.get(name)] == ["b"]
    values.bound(0)
    assert values.bytes == 0
