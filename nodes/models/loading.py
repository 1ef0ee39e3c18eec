"""From a handle to its module. The modules are imported when they are asked for, in a worker."""

import importlib
from pathlib import Path
from typing import Any

from assets.values import Captioner, DiT, Expander, ModelHandle, TextEncoder, VideoVAE
from assets.weight_files import WeightsRefused, weights_digest

STAGES: dict[type[ModelHandle], str] = {
    TextEncoder: "text_encoder",
    VideoVAE: "video_vae",
    DiT: "dit",
    Captioner: "captioner",
    Expander: "expander",
}


def load(handle: ModelHandle, device: str = "cpu") -> Any:
    """The module of a handle, on `device`, in eval mode. WeightsRefused if the file is no longer what it was."""
    path = Path(handle.path)
    if weights_digest(path) != handle.digest:
        raise WeightsRefused(f"{path.name} has changed since the workflow was checked; run it again")
    return importlib.import_module(f"nodes.{STAGES[type(handle)]}.model").load(path).to(device)
