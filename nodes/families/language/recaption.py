"""Texts for a folder of clips by a vision language model of your own: on disk, or behind an endpoint that you named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from assets.values import Describer
from nodes.captioner.recaption import WriterFailed
from nodes.families.language.endpoint import EndpointFailed
from nodes.families.language.instructions import CAPTION, SHORT_CAPTION
from nodes.families.language.model import load
from nodes.families.language.nodes import evenly
from nodes.training.folder import Taken, read_frames
from nodes.writer.words import Detail

TAKEN = Taken(frames=33, area=512 * 512, unit=1)
"""The stretch of a clip that a training reads, as large as such models look at it."""
LOOKS = 8
ASKED: dict[Detail, str] = {"short": SHORT_CAPTION, "descriptive": CAPTION}


class LanguageWriter:
    """What a describer says of some frames of each clip."""

    def __init__(self, describer: Describer, detail: Detail, device: str = "cpu") -> None:
        self.by, self.detail = describer.digest, detail
        self.model: Any = load(describer).to(device)

    def describe(self, path: Path) -> str:
        frames = evenly(read_frames(path, TAKEN), LOOKS)
        try:
            said: str = self.model.describe(frames, ASKED[self.detail])
        except (EndpointFailed, torch.OutOfMemoryError) as error:
            raise WriterFailed(str(error)) from error
        return said
