"""What waits in a worker comes out in order, except that two that need the same thing alone never meet."""

import threading
from queue import Queue

from pipelines.executors.lanes import Lanes, Task


def test_one_model_at_a_time_and_light_nodes_beside_it() -> None:
    lanes, (first, second, light) = Lanes(), ({"task": 1}, {"task": 2}, {"task": 3})
    lanes.put(first, "models")
    lanes.put(second, "models")
    lanes.put(light, None)
    assert lanes.take() is first
    assert lanes.take() is light
    lanes.give_back(first)
    assert lanes.take() is second


def test_giving_back_twice_does_not_take_it_from_the_next() -> None:
    lanes, (first, second, third, light) = Lanes(), ({"task": 1}, {"task": 2}, {"task": 3}, {"task": 4})
    for task in (first, second, third):
        lanes.put(task, "models")
    assert lanes.take() is first
    lanes.give_back(first)
    assert lanes.take() is second
    lanes.give_back(first)
    lanes.put(light, None)
    assert lanes.take() is light


def test_those_of_one_party_are_at_work_together() -> None:
    lanes, (first, second, other, light) = Lanes(), ({"task": 1}, {"task": 2}, {"task": 3}, {"task": 4})
    lanes.put(first, "models", "a dit")
    lanes.put(second, "models", "a dit")
    lanes.put(other, "models", "another dit")
    lanes.put(light, None)
    assert lanes.take() is first
    assert lanes.join() is second
    assert lanes.party(second) == "a dit"
    assert lanes.take() is light
    lanes.give_back(first)
    lanes.give_back(second)
    assert lanes.take() is other


def test_none_joins_a_party_past_another_that_waits_for_it_to_end() -> None:
    lanes, (first, other, late) = Lanes(), ({"task": 1}, {"task": 2}, {"task": 3})
    lanes.put(first, "models", "a dit")
    assert lanes.take() is first
    lanes.put(other, "models")
    lanes.put(late, "models", "a dit")
    lanes.give_back(first)
    assert lanes.take() is other
    lanes.give_back(other)
    assert lanes.take() is late


def test_one_who_waits_to_join_hears_when_the_first_of_a_party_begins() -> None:
    lanes, joined = Lanes(), Queue[Task]()
    threading.Thread(target=lambda: joined.put(lanes.join()), daemon=True).start()
    first, second = {"task": 1}, {"task": 2}
    lanes.put(first, "models", "a dit")
    lanes.put(second, "models", "a dit")
    assert lanes.take() is first
    assert joined.get(timeout=60) is second
