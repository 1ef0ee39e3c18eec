"""What is too large for a device is streamed to it block by block, and makes the same numbers."""

import pytest

from pipelines.executors.placement import placement

GB = 10**9


@pytest.mark.parametrize(
    ("weights", "capacity", "expected"),
    [
        (3 * GB, 24 * GB, "resident"),  # Wan 1.3B in bfloat16
        (16 * GB, 24 * GB, "resident"),  # Wan 14B as float8
        (29 * GB, 24 * GB, "streamed"),  # Wan 14B in bfloat16
        (11 * GB, 12 * GB, "streamed"),  # UMT5 in bfloat16 leaves nothing for the work
        (29 * GB, 80 * GB, "resident"),
    ],
)
def test_weights_stay_with_the_host_where_they_and_the_work_do_not_fit(
    weights: int, capacity: int, expected: str
) -> None:
    assert placement(weights, capacity, "cuda:0") == expected


def test_the_work_counts_as_what_it_is_known_to_take() -> None:
    assert placement(20 * GB, 24 * GB, "cuda:0", work=3 * GB) == "resident"
    assert placement(20 * GB, 24 * GB, "cuda:0", work=5 * GB) == "streamed"


def test_nothing_is_streamed_from_a_memory_to_itself_unless_asked_for() -> None:
    assert placement(30 * GB, 24 * GB, "cpu") == "resident"
    assert placement(1, 24 * GB, "cpu", "streamed") == "streamed"
    assert placement(30 * GB, 24 * GB, "cuda:0", "resident") == "resident"


def test_another_word_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="'offload'; it needs automatic, resident or streamed"):
        placement(1, 2, "cpu", "offload")
