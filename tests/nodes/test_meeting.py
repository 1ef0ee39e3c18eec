"""Samplers that meet share their forwards; each ends as it would alone, whatever becomes of the others."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from bench import Bench, loaded
from tiny_models import TinyModels

from assets.values import Conditioning, ModelHandle, Patches, Text
from nodes.context import Cancelled
from nodes.dit.meeting import Meeting, Seat
from nodes.dit.nodes import Sampled, sample
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text


@dataclass
class AtTable(Bench):
    """A context with a seat."""

    seat: Seat = field(kw_only=True)
    fails_at: int | None = None

    def model(self, handle: ModelHandle) -> Any:
        return self.seat.at(super().model(handle))

    def keep(self, state: Mapping[str, Any]) -> None:
        super().keep(state)
        if len(self.steps_kept) == self.fails_at:
            raise ValueError("the disk is upside down")


Asked = tuple[Patches, Conditioning, dict[str, Any]]


@pytest.fixture
def asked(tiny: TinyModels, bench: Bench) -> list[Asked]:
    """Samplers that agree in nothing but the DiT."""
    red, green = (encode_text(tiny.text_encoder, Text(text), ctx=bench) for text in ("a red ball", "green stars"))
    still, wide = (noise_patches(tiny.dit, tiny.vae, width=width, height=32, frames=1) for width in (32, 64))
    return [
        (still, red, {"seed": 1, "steps": 4}),
        (wide, green, {"seed": 2, "steps": 6, "guidance": 1.0, "sampler": "ddpm"}),
        (still, green, {"seed": 3, "steps": 5, "shift": 3.0, "sampler": "unipc", "guidance_over_steps": "0:0 1:1"}),
    ]


def meet(
    tiny: TinyModels, asked: list[Asked], **contexts: Mapping[str, Any]
) -> tuple[list[Future[Sampled]], list[AtTable], list[int]]:
    """What comes of the samplers, their contexts, and the tokens of each forward. contexts: more, by "of<number>"."""
    meeting = Meeting()
    tables = [AtTable(seat=meeting.seat(), **contexts.get(f"of{number}", {})) for number in range(len(asked))]

    def one(table: AtTable, patches: Patches, text: Conditioning, widgets: dict[str, Any]) -> Sampled:
        try:
            return sample(tiny.dit, patches, text, ctx=table, **widgets)
        except Cancelled as cancelled:
            raise RuntimeError("cancelled") from cancelled
        finally:
            table.seat.leave()

    rows: list[int] = []
    hook = loaded(tiny.dit).enter.register_forward_pre_hook(lambda _, given: rows.append(given[0].shape[1]))
    with ThreadPoolExecutor(len(asked)) as pool:
        made = [pool.submit(one, table, *each) for table, each in zip(tables, asked, strict=True)]
    hook.remove()
    return made, tables, rows


def alone(tiny: TinyModels, asked: Asked) -> Sampled:
    patches, text, widgets = asked
    return sample(tiny.dit, patches, text, ctx=Bench(), **widgets)


def alike(one: Sampled, other: Sampled) -> bool:
    return torch.allclose(one.patches.tokens, other.patches.tokens, atol=1e-5) and torch.allclose(
        one.trajectory.states, other.trajectory.states, atol=1e-5
    )


def test_samplers_that_agree_only_in_the_dit_end_as_alone_with_fewer_forwards(
    tiny: TinyModels, asked: list[Asked]
) -> None:
    made, tables, rows = meet(tiny, asked)
    for each, future in zip(asked, made, strict=True):
        assert alike(alone(tiny, each), future.result())
    assert rows == [16] * 4 + [12] + [8]
    assert all(table.seat.shared for table in tables)
    assert [len(table.steps_kept) for table in tables] == [4, 6, 5]


def test_one_that_is_alone_at_the_table_ends_bit_for_bit_as_without_it(tiny: TinyModels, asked: list[Asked]) -> None:
    made, (table,), _ = meet(tiny, asked[:1])
    assert torch.equal(made[0].result().trajectory.states, alone(tiny, asked[0]).trajectory.states)
    assert not table.seat.shared


@pytest.mark.parametrize("trouble", [{"stop_at": 2}, {"fails_at": 2}])
def test_one_that_is_cancelled_or_fails_leaves_the_others_going(
    tiny: TinyModels, asked: list[Asked], trouble: dict[str, Any]
) -> None:
    made, _, rows = meet(tiny, asked, of1=trouble)
    assert isinstance(made[1].exception(), RuntimeError | ValueError)
    for number in (0, 2):
        assert alike(alone(tiny, asked[number]), made[number].result())
    assert len(rows) == 5


def test_where_there_is_no_memory_for_all_at_once_each_goes_by_itself(
    tiny: TinyModels, asked: list[Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    most = max(patches.tokens.shape[0] for patches, _, _ in asked)
    dit = loaded(tiny.dit)
    whole: Callable[..., Any] = dit.denoise

    def small_device(x: torch.Tensor, *arguments: Any) -> Any:
        if x.shape[1] > most:
            raise MemoryError("out of memory")
        return whole(x, *arguments)

    monkeypatch.setattr(dit, "denoise", small_device)
    made, tables, _ = meet(tiny, asked)
    for each, future in zip(asked, made, strict=True):
        assert torch.equal(alone(tiny, each).trajectory.states, future.result().trajectory.states)
    assert not any(table.seat.shared for table in tables)
