"""Recaptioning (Betker et al. 2023): a model writes the text of every clip of a folder, for training on it.

Beside `walk.mp4` comes `walk.txt`. What was written is also noted in `.recaption.jsonl`, so that a text that a person
wrote or changed is told from one of ours and left alone, and a run that was ended goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from einops import rearrange

from assets.media import MediaError
from assets.weight_files import weights_digest
from nodes.captioner.model import load as load_captioner
from nodes.training.folder import Taken, read_frames, sidecar
from nodes.video_vae.model import load as load_vae
from nodes.writer.words import Detail

NOTES = ".recaption.jsonl"
TAKEN = Taken(frames=33, area=64 * 64)
"""What the captioner was trained to look at."""
IN_A_ROW = 3
"""Clips that the writer may fail on, one after the other, until the rest is given up."""


class WriterFailed(ValueError):
    """A model that wrote nothing about a clip: what was asked, what came, what to try."""


class TextWriter(Protocol):
    """by: stands for the model, a digest. detail: the kind of text."""

    by: str
    detail: Detail

    def describe(self, path: Path) -> str:
        """What a clip or an image shows. MediaError where it can't be read; WriterFailed where the model fails."""


class BuiltIn:
    """The built-in captioner, which knows the world that it was trained on."""

    def __init__(self, captioner: Path, vae: Path, detail: Detail = "descriptive") -> None:
        self.by, self.detail = weights_digest(captioner), detail
        self.captioner, self.vae = load_captioner(captioner), load_vae(vae)

    @torch.no_grad()
    def describe(self, path: Path) -> str:
        clip = read_frames(path, TAKEN)
        pixels = rearrange(torch.as_tensor(clip.frames), "t h w c -> 1 c t h w").float() / 127.5 - 1
        return self.captioner.caption(self.vae.encode(pixels)[0], self.detail)


@dataclass(frozen=True)
class Outcome:
    """What became of one clip. said: its text; or the sentence that says why there is none."""

    file: Path
    did: Literal["written", "there", "kept", "failed"]
    """there: written by an earlier run. kept: a person's own, left alone."""
    said: str


@dataclass(frozen=True)
class Note:
    """One text that was written: of which file as it was then, by which model (a digest), and how detailed."""

    file: str
    clip: str
    by: str
    detail: str
    text: str


def recaption(files: Sequence[Path], writer: TextWriter, overwrite: bool = False) -> Iterator[Outcome]:
    """Caption each file in turn; one that can't be read or described costs a sentence, and the others go on.

    overwrite: also the texts that a person wrote or changed. WriterFailed once the model fails on several in a row.
    """
    notes: dict[Path, list[Note]] = {}
    failed = 0
    for path in files:
        known = notes.setdefault(path.parent, read_notes(path.parent))
        text, clip = _text(path), _state(path)
        ours = [note for note in known if note.file == path.name and note.text == text]
        if text is not None and not ours and not overwrite:
            yield Outcome(path, "kept", text)
        elif text and any((note.clip, note.by, note.detail) == (clip, writer.by, writer.detail) for note in ours):
            yield Outcome(path, "there", text)
        else:
            try:
                made = writer.describe(path).strip()
                if not made:
                    raise WriterFailed(f"Got no word about {path.name}; needs a text. Try again, or another model.")
                known.append(Note(path.name, clip, writer.by, writer.detail, made))
                _write(path, known[-1])
                failed = 0
                yield Outcome(path, "written", made)
            except (MediaError, OSError) as error:
                yield Outcome(path, "failed", str(error))
            except WriterFailed as error:
                failed += 1
                if failed == IN_A_ROW:
                    raise WriterFailed(
                        f"{error}\nThat was the clip {path.name}, the last of {IN_A_ROW} in a row; the rest is left. "
                        "What is written stays: run it again to go on."
                    ) from error
                yield Outcome(path, "failed", str(error))


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
