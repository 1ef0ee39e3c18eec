"""What waits in a worker comes out in order, except that two that need the same thing alone never meet."""

from pipelines.executors.lanes import Lanes


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
