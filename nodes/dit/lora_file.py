"""What a LoRA's file says of itself: which DiT it fits. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.weight_files import WeightsRefused, read_metadata


@dataclass(frozen=True)
class LoRAConfig:
    """base: sha256 of the DiT's weights file that the adapter was trained on, and fits."""

    rank: int = 8
    alpha: float = 8.0
    base: str = ""

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


def read_config(path: Path) -> LoRAConfig:
    """What a file says of the adapter in it, from its header alone; WeightsRefused where it holds none."""
    facts = read_metadata(path)
    match facts:
        case {"kind": "lora", "config": {"rank": int(rank), "alpha": float() | int() as alpha, "base": str(base)}}:
            if rank > 0:
                return LoRAConfig(rank, float(alpha), base)
    raise WeightsRefused(
        f"{path.name} holds {_what(facts)}; it needs a LoRA as `patchloom train lora` writes it. Choose another file."
    )


def _what(facts: dict[str, Any]) -> str:
    return f"a model of kind {facts['kind']!r}" if facts.get("kind") else "weights of another program"
