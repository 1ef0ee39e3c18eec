"""Models stay in a worker within a budget of bytes, and never go while a node works with them."""

from dataclasses import replace

import pytest
from engine_bench import TIMEOUT

from assets.values import Captioner, Expander, ModelHandle, TextEncoder
from assets.weight_files import WeightsRefused
from nodes.models.handles import builtin
from pipelines.executors.models import Models

KINDS = (TextEncoder, Captioner, Expander)


def handles() -> list[ModelHandle]:
    return [builtin(kind) for kind in KINDS]


def test_a_model_is_loaded_once() -> None:
    models, (handle, *_) = Models("cpu"), handles()
    with models.using():
        module = models.get(handle)
    with models.using():
        assert models.get(handle) is module


def test_models_go_when_others_need_their_room() -> None:
    models = Models("cpu", budget=1)
    for handle in handles():
        with models.using():
            models.get(handle)
        assert [other for other in handles() if models.has(other)] == [handle]


def test_what_a_node_works_with_stays_even_beyond_the_budget() -> None:
    models, (first, second, third) = Models("cpu", budget=1), handles()
    with models.using():
        module = models.get(first)
        models.get(second)
        models.free()
        assert models.get(first) is module
    with models.using():
        models.get(third)
    assert [models.has(handle) for handle in (first, second, third)] == [False, False, True]


def test_a_model_that_was_loaded_ahead_is_there_when_it_is_asked_for() -> None:
    models, (handle, *_) = Models("cpu"), handles()
    models.prefetch(handle).result(TIMEOUT)
    assert models.has(handle)


def test_what_cannot_be_loaded_ahead_is_said_when_it_is_asked_for() -> None:
    models, handle = Models("cpu"), replace(handles()[0], digest="0" * 64)
    models.prefetch(handle).result(TIMEOUT)
    with pytest.raises(WeightsRefused, match="has changed since the workflow was checked"):
        models.get(handle)
