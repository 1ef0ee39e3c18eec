"""Muon for weights of any rank, beside AdamW for the rest.

Muon (Jordan 2024, kellerjordan.github.io/posts/muon): momentum, then the nearest orthogonal matrix by a
Newton-Schulz iteration. torch.optim.Muon takes matrices only; a convolution's weight is one too, (out, in x kernel).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest (semi-)orthogonal matrix of each in a stack (n rows cols), about: singular values in [0.7, 1.2]."""
    a, b, c = _NEWTON_SCHULZ
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x  # type: ignore[no-any-return]


class Muon(torch.optim.Optimizer):
    """Steps of equal root mean square for every matrix: 0.2 sqrt(max(rows, cols)), as AdamW's (Liu et al. 2025, eq. 4).

    So that one learning rate, and one weight decay, serves both optimisers.
    """

    def __init__(
        self, params: Iterable[torch.nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[torch.nn.Parameter]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape[0], weight[0].numel()].append(weight)
            for (rows, cols), weights in alike.items():
                updates = torch.stack([self._momentum(weight, group["momentum"]) for weight in weights])
                scale = 0.2 * math.sqrt(max(rows, cols))
                for weight, update in zip(weights, orthogonalise(updates).float(), strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update.view_as(weight), alpha=-group["lr"] * scale)

    def _momentum(self, weight: torch.nn.Parameter, momentum: float) -> Tensor:
        """Nesterov momentum of the gradient, as a matrix (rows cols)."""
        assert weight.grad is not None
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight, memory_format=torch.contiguous_format)
        state["momentum"].lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(state["momentum"], momentum).reshape(weight.shape[0], -1)
