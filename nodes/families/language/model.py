"""From a language model's handle to what writes or describes."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn

from assets.values import Describer, Expander, ModelHandle
from nodes.families.language.endpoint import Endpoint, Writer


def load(handle: ModelHandle) -> nn.Module:
    """The module of a handle, in eval mode, on the CPU."""
    remote = handle.path.startswith("{")
    match handle:
        case Expander(instructions=told) if remote:
            return Remote(Writer(Endpoint(**json.loads(handle.path)), told))
        case Describer() if remote:
            return Remote(Writer(Endpoint(**json.loads(handle.path)), ""))
        case Expander(instructions=told):
            from nodes.families.language.local import LocalWriter

            return LocalWriter(Path(handle.path), told)
        case Describer():
            from nodes.families.language.local import LocalDescriber

            return LocalDescriber(Path(handle.path))
        case _:
            raise TypeError(f"a language model is no {type(handle).__name__}")


class Remote(nn.Module):
    """An endpoint among the resident modules: it takes no memory here."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.expand, self.describe = writer.expand, writer.describe
