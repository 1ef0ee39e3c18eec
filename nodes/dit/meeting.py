"""Samplers that are under way at once have their forwards as one: whoever comes joins at the next, whoever ends leaves.

Each keeps its own schedule, sampler, steps and fate; they need not agree in anything but the DiT. What comes out equals
what each would have made alone, to rounding (1e-5 a forward), and bit for bit where nobody else was there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from assets.values import Patches
from assets.values.patches import Grid
from nodes.dit.config import Objective
from nodes.dit.denoiser import Denoiser, Request, denoiser
from nodes.dit.guidance import Predict
from nodes.dit.skipping import Skips


class Meeting:
    """Where the samplers of one DiT meet, each in a thread of its own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seats: list[Seat] = []
        self._asked: dict[Seat, tuple[Tensor, Tensor]] = {}
        self._answers: dict[Seat, Tensor | Exception] = {}
        self._row: tuple[list[Request], Predict] | None = None
        self._apart = False

    def seat(self) -> Seat:
        """A place for one more, who is waited for until it leaves."""
        with self._changed:
            self._seats.append(Seat(self))
            return self._seats[-1]

    def ask(self, seat: Seat, x: Tensor, levels: Tensor) -> Tensor:
        """The prediction for a row (1 n d) at levels (1 n) or (1 1), once all have asked for theirs."""
        began = time.perf_counter()
        with self._changed:
            self._asked[seat] = x, levels
            while seat not in self._answers:
                if len(self._asked) == len(self._seats):
                    self._answer()
                    self._changed.notify_all()
                else:
                    self._changed.wait()
            answer = self._answers.pop(seat)
        seat.others_seconds += time.perf_counter() - began
        if isinstance(answer, Exception):
            raise answer
        return answer

    def leave(self, seat: Seat) -> None:
        with self._changed:
            if seat in self._seats:
                self._seats.remove(seat)
                self._changed.notify_all()

    def _answer(self) -> None:
        seats, began = list(self._seats), time.perf_counter()
        if len(seats) > 1 and not self._apart:
            try:
                self._answers |= zip(seats, self._together(seats), strict=True)
            except Exception:
                # There may be no memory for all at once. What is at fault in one fails that one, alone.
                self._apart, self._row = True, None
        for seat in seats:
            if seat not in self._answers:
                self._answers[seat] = self._alone(seat)
        self._asked.clear()
        for seat in seats:
            seat.others_seconds -= (time.perf_counter() - began) / len(seats)

    def _together(self, seats: list[Seat]) -> Sequence[Tensor]:
        rows, levels = zip(*(self._asked[seat] for seat in seats), strict=True)
        counts = [row.shape[1] for row in rows]
        requests = [seat.request for seat in seats]
        if self._row is None or list(map(id, self._row[0])) != list(map(id, requests)):
            self._row = requests, seats[0].model.predictor(requests, str(rows[0].device), None)
        each = [level.expand(-1, count) for level, count in zip(levels, counts, strict=True)]
        made = self._row[1](torch.cat(rows, dim=1), torch.cat(each, dim=1))
        for seat in seats:
            seat.shared = True
        return torch.split(made, counts, dim=1)

    def _alone(self, seat: Seat) -> Tensor | Exception:
        try:
            return seat.predict(*self._asked[seat])
        except Exception as error:
            return error


class Seat:
    """One sampler's place, and the denoiser that it samples with.

    others_seconds: that it waited for others, and for their part of the forwards. shared: whether it had any together.
    """

    model: Denoiser
    request: Request
    predict: Predict

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting
        self.others_seconds = 0.0
        self.shared = False

    def at(self, module: Any) -> Denoiser:
        """The module, with forwards that the others at the meeting share."""
        self.model = denoiser(module)
        return self

    def leave(self) -> None:
        """Nobody is to wait for this one any more; no harm if it has left before."""
        self._meeting.leave(self)

    @property
    def objective(self) -> Objective:
        return self.model.objective

    def levels(self, steps: int, shift: float, grids: Sequence[Grid]) -> Tensor:
        return self.model.levels(steps, shift, grids)

    def starts(self, patches: Patches) -> Tensor:
        return self.model.starts(patches)

    def predictor(self, requests: Sequence[Request], device: str, skips: Skips | None) -> Predict:
        (self.request,) = requests
        self.predict = self.model.predictor(requests, device, skips)
        return lambda x, levels: self._meeting.ask(self, x, levels)
