"""The training loop: steps, logs, checkpoints, and an early end on request.

A run lives in a folder: `checkpoint.safetensors` (resumed from), `curves.jsonl` (a line a log), and, when someone
writes a number n to the file `cooldown`, the learning rate falls to zero over the next n steps and the run ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from nodes.training import checkpoint
from nodes.training.ema import EMA
from nodes.training.log import Log
from nodes.training.muon import Muon
from nodes.training.processes import agree, average_gradients
from nodes.training.schedule import Schedule

Loss = Callable[[int], tuple[Tensor, dict[str, float]]]
"""step -> the loss of that step's batch, and figures to log."""


@dataclass(frozen=True)
class LoopConfig:
    steps: int
    warm_up: int = 100
    cooldown: int = 500
    learning_rate: float = 2e-3
    adamw_share: float = 1.0
    """AdamW's learning rate as a share of Muon's."""
    weight_decay: float = 0.01
    ema: float = 0.998
    clip: float = 1.0
    log_every: int = 20
    save_every: int = 200


def fit(
    model: nn.Module,
    loss: Loss,
    config: LoopConfig,
    out: Path,
    *,
    rank: int = 0,
    resume: bool = True,
    adamw: tuple[str, ...] = (),
    on_save: Callable[[nn.Module, int], dict[str, float]] | None = None,
) -> nn.Module:
    """Train `model` on `loss` and return its moving average.

    Matrices are trained by Muon, but for those whose name starts with one of `adamw` (embeddings, first and last
    layers) and all vectors. `on_save(average, step)` runs in the first process at every checkpoint; what it returns is
    logged.
    """
    ema = EMA(model, config.ema)
    modules, optimisers = {"model": model, "ema": ema.module}, _optimisers(model, config, adamw)
    schedule, step, path = Schedule(config.steps, config.warm_up, config.cooldown), 0, out / "checkpoint.safetensors"
    fallen = False
    if resume and path.exists():
        facts = checkpoint.restore(path, modules, optimisers)
        step, fallen = facts["step"], facts["fallen"]
        if fallen:
            schedule = Schedule(**facts["schedule"])

    with Log(out, rank, step) as log:
        while step < schedule.steps:
            if step % config.log_every == 0 and not fallen and (cooldown := agree(_asked_to_fall(out), rank=rank)):
                schedule, fallen = schedule.fall_now(step, cooldown), True
            for optimiser in optimisers.values():
                for group in optimiser.param_groups:
                    group["lr"] = group["peak"] * schedule.factor(step)
            value, figures = loss(step)
            value.backward()  # type: ignore[no-untyped-call]
            average_gradients(model.parameters())
            norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip)
            for optimiser in optimisers.values():
                optimiser.step()
                optimiser.zero_grad()
            ema.update(model, step)
            step += 1
            log.add(
                step, schedule, {"loss": float(value.detach()), "gradient": float(norm), **figures}, config.log_every
            )
            if rank == 0 and (step % config.save_every == 0 or step >= schedule.steps):
                checkpoint.save(
                    path, {"step": step, "fallen": fallen, "schedule": asdict(schedule)}, modules, optimisers
                )
                if on_save:
                    log.write({"step": step, **on_save(ema.module, step)})
    return ema.module


def _optimisers(model: nn.Module, config: LoopConfig, adamw: tuple[str, ...]) -> dict[str, torch.optim.Optimizer]:
    matrices: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        (rest if weight.ndim < 2 or name.startswith(adamw) else matrices).append(weight)
    peak, rest_peak = config.learning_rate, config.learning_rate * config.adamw_share
    optimisers: dict[str, torch.optim.Optimizer] = {}
    if matrices:
        optimisers["muon"] = Muon(matrices, peak, weight_decay=config.weight_decay)
    if rest:
        optimisers["adamw"] = torch.optim.AdamW(rest, rest_peak, betas=(0.9, 0.98), weight_decay=config.weight_decay)
    for name, optimiser in optimisers.items():
        optimiser.param_groups[0]["peak"] = peak if name == "muon" else rest_peak
    return optimisers


def _asked_to_fall(out: Path) -> int:
    """The steps of cooldown asked for by the file `cooldown`, or 0."""
    request = out / "cooldown"
    return int(request.read_text().strip() or 0) if request.exists() else 0
