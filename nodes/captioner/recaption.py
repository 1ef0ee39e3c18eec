"""Recaptioning (Betker et al. 2023): the captioner writes the text of every clip of a folder, for training on it.

Beside `walk.mp4` comes `walk.txt`. What was written is also noted in `.recaption.jsonl`, so that a text that a person
wrote or changed is told from one of ours and left alone, and a run that was ended goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
from einops import rearrange

from assets.media import MediaError
from assets.weight_files import weights_digest
from nodes.captioner.model import Captioner
from nodes.captioner.model import load as load_captioner
from nodes.training.folder import Taken, read_frames, sidecar
from nodes.video_vae.model import VideoVAE
from nodes.video_vae.model import load as load_vae
from nodes.writer.words import Detail

NOTES = ".recaption.jsonl"


@dataclass(frozen=True)
class Recaption:
    captioner: Path
    vae: Path
    detail: Detail = "descriptive"
    overwrite: bool = False
    """Also the texts that a person wrote or changed."""
    taken: Taken = field(default_factory=lambda: Taken(frames=33, area=64 * 64))


@dataclass(frozen=True)
class Outcome:
    """What became of one clip. said: its text; or the sentence that says why there is none."""

    file: Path
    did: Literal["written", "there", "kept", "failed"]
    """there: written by an earlier run. kept: a person's own, left alone."""
    said: str


@dataclass(frozen=True)
class Note:
    """One text that was written: of which file as it was then, by which captioner (a digest), and how detailed."""

    file: str
    clip: str
    by: str
    detail: str
    text: str


def recaption(files: Sequence[Path], config: Recaption) -> Iterator[Outcome]:
    """Caption each file in turn; a file that can't be read costs a sentence, and the others go on."""
    by = weights_digest(config.captioner)
    captioner, vae = load_captioner(config.captioner), load_vae(config.vae)
    notes: dict[Path, list[Note]] = {}
    for path in files:
        known = notes.setdefault(path.parent, read_notes(path.parent))
        text, clip = _text(path), _state(path)
        ours = [note for note in known if note.file == path.name and note.text == text]
        if text is not None and not ours and not config.overwrite:
            yield Outcome(path, "kept", text)
        elif text and any((note.clip, note.by, note.detail) == (clip, by, config.detail) for note in ours):
            yield Outcome(path, "there", text)
        else:
            try:
                made = describe(captioner, vae, path, config)
                known.append(Note(path.name, clip, by, config.detail, made))
                _write(path, known[-1])
                yield Outcome(path, "written", made)
            except (MediaError, OSError) as error:
                yield Outcome(path, "failed", str(error))


@torch.no_grad()
def describe(captioner: Captioner, vae: VideoVAE, path: Path, config: Recaption) -> str:
    """What a clip shows, brought to a size that the captioner knows."""
    clip = read_frames(path, config.taken)
    pixels = rearrange(torch.as_tensor(clip.frames), "t h w c -> 1 c t h w").float() / 127.5 - 1
    return captioner.caption(vae.encode(pixels)[0], config.detail)


def read_notes(folder: Path) -> list[Note]:
    """What earlier runs wrote in this folder. A line that was cut short is no note."""
    path = folder / NOTES
    notes = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            notes.append(Note(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return notes


def _write(path: Path, note: Note) -> None:
    """The note first: a text without one would count as a person's own."""
    with (path.parent / NOTES).open("a", encoding="utf-8") as file:
        file.write("\n" * _torn(path.parent / NOTES) + json.dumps(asdict(note)) + "\n")
    draft = path.with_name(f".{path.stem}.draft")
    draft.write_text(note.text + "\n", "utf-8")
    draft.replace(sidecar(path))


def _torn(notes: Path) -> bool:
    """Whether the last line has no end."""
    data = notes.read_bytes()
    return bool(data) and not data.endswith(b"\n")


def _text(path: Path) -> str | None:
    """The text beside a clip, or None; whatever is in the file, it is something."""
    text = sidecar(path)
    return text.read_text("utf-8", errors="replace").strip() if text.exists() else None


def _state(path: Path) -> str:
    """Stands for a file's content: its size and time of change."""
    stat = path.stat()
    return f"{stat.st_size} {stat.st_mtime_ns}"
