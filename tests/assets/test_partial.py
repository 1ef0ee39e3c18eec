"""Steps of an interrupted computation: kept in order, whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from assets.store import Partial, Store

KEY = "ab" * 32


def step(number: int) -> dict[str, np.ndarray]:
    return {"latent": np.full((2, 3), number, np.float32), "step": np.array(number)}


def numbers(partial: Partial) -> list[int]:
    return [int(found["step"]) for found in partial.all()]


def test_steps_come_back_in_order_after_a_restart(workspace: Path) -> None:
    store = Store(workspace / "store")
    for number in range(3):
        store.partial(KEY).append(step(number))
    store.close()
    again = Store(workspace / "store")
    found = again.partial(KEY).all()
    assert [int(kept["step"]) for kept in found] == [0, 1, 2]
    np.testing.assert_array_equal(found[2]["latent"], step(2)["latent"])
    assert again.partial("cd" * 32).all() == []
    again.close()


def test_tensors_come_back_bit_for_bit(workspace: Path) -> None:
    partial = Partial(workspace / KEY)
    state = {"latent": torch.randn(4, 5)[:, ::2], "t": torch.tensor(0.1), "done": torch.tensor([True, False])}
    partial.append(state)
    (back,) = partial.all("torch")
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in state.items())


def test_deleted_steps_are_gone_and_new_ones_begin_anew(workspace: Path) -> None:
    partial = Partial(workspace / KEY)
    partial.append(step(0))
    partial.delete()
    partial.delete()
    assert partial.all() == []
    partial.append(step(5))
    assert numbers(Partial(workspace / KEY)) == [5]


@given(st.data())
def test_a_torn_step_is_left_out_and_can_be_made_again(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("partial") / KEY
    ends = [0]
    for number in range(3):
        Partial(path).append(step(number))
        ends.append(path.stat().st_size)
    cut = data.draw(st.integers(0, ends[-1]))
    path.write_bytes(path.read_bytes()[:cut])
    whole = sum(end <= cut for end in ends[1:])
    assert numbers(Partial(path)) == list(range(whole))
    Partial(path).append(step(whole))
    assert numbers(Partial(path)) == list(range(whole + 1))


def test_two_that_make_the_same_steps_do_not_mix_them_up(workspace: Path) -> None:
    one, other = Partial(workspace / KEY), Partial(workspace / KEY)
    assert one.all() == other.all() == []
    for number in range(3):
        one.append(step(number))
        other.append(step(number))
    assert numbers(Partial(workspace / KEY)) == [0, 1, 2]


def test_a_damaged_step_ends_what_can_be_used(workspace: Path) -> None:
    path = workspace / KEY
    partial = Partial(path)
    partial.append(step(0))
    first = path.stat().st_size
    partial.append(step(1))
    content = bytearray(path.read_bytes())
    content[first + 60] ^= 1
    path.write_bytes(content)
    partial.append(step(2))
    assert numbers(Partial(path)) == [0]
