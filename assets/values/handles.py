"""Model handles: which weights, and what fits them. The modules themselves live in a worker.

A handle is all metadata, so it is its own spec: everything it says is known while wiring.
"""

from dataclasses import dataclass, field
from typing import Literal, Self

Precision = Literal["as stored", "bfloat16", "float32", "float8 storage", "float8 matmul"]
ROUNDED = {"float8 storage": "float8 storage, scaled by row"}
"""Precision -> what stands for it in a handle's identity, where weights were once rounded to it in another way."""
Memory = Literal["automatic", "resident", "streamed"]
"""Where weights are while a model works: on the device, or with the host and there block by block."""

LATER = {"later": True}
"""Of a field: at its default it is no part of a value's content, which is what it was before the field came."""
MANNER = {"manner": True}
"""Of a field: it says how a result is come by, not what it is, so that no result is kept under it."""


@dataclass(frozen=True, slots=True)
class ModelHandle:
    """Weights on disk.

    family: model family, e.g. "patchloom". path: safetensors file or folder. digest: sha256 of the weights; a
    handle's identity in cache keys is its kind and this digest, never its path. precision: that the weights are held
    in; with float8 storage they are restored for each layer's work, with float8 matmul that is done in float8, too.
    memory: as asked for.
    """

    family: str
    path: str
    digest: str
    precision: Precision = field(default="as stored", kw_only=True)
    memory: Memory = field(default="automatic", kw_only=True, metadata=LATER | MANNER)

    @property
    def spec(self) -> Self:
        return self

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.family}"


@dataclass(frozen=True, slots=True)
class TextEncoder(ModelHandle):
    """encoder: name that its conditionings carry. dim: width of a row. max_tokens: longest text.

    images: how many pictures it reads along with a text. second: file of the second encoder, where there are two and
    they lie in files. tokenizers: folder that has the tokenizers of files, "" where they are in these or beside them.
    vision: file of what it sees pictures by, where that lies in one.
    """

    encoder: str
    dim: int
    max_tokens: int
    images: int = 0
    second: str = field(default="", metadata=LATER)
    tokenizers: str = field(default="", metadata=LATER)
    vision: str = field(default="", metadata=LATER)


@dataclass(frozen=True, slots=True)
class VideoVAE(ModelHandle):
    """space: latent space. channels: of the latent. stride: (t, h, w) pixels a latent cell; the first frame alone.

    together: how many latent frames at a time come after the first. lead: how many copies of the first go before it;
    they are for the DiT, and dropped when a latent is decoded.
    """

    space: str
    channels: int
    stride: tuple[int, int, int]
    together: int = 1
    lead: int = 0


Given = Literal["nowhere", "first frame", "first and last frame", "anywhere"]
"""Each takes in those before it."""
Told = Literal["by itself", "among grey frames", "by a mask"]
"""How a DiT is told of what is given: by its latent alone; by that of a whole clip, grey but for it; or by such a clip,
one of what lies under a mask, and the mask, pixel by pixel, on an empty canvas too."""


@dataclass(frozen=True, slots=True)
class DiT(ModelHandle):
    """A diffusion transformer.

    space: latent space. channels: of the latent. patch: (pt, ph, pw) in latent cells. encoder: the text encoder it was
    trained with. objective: what it predicts, see `nodes.dit.config.Objective`. loras: (path, digest, weight, expert)
    of the adapters that are added to its weights, in order; expert "" is all of them. second: file of the expert for
    low noise, where two share the way and lie in files. given: which patches of a canvas may be given while others are
    made. needs_given: it goes on from given frames, and makes nothing of an empty canvas. told: how it is told of
    them. still: the noise level that the rest of a canvas begins at, of its first frame held still; 1: of nothing.
    images: how many pictures it is to be shown beside the text. sides: (h, w) in patches of the largest canvas that it
    has places for, None where there is no such limit; only_sides: of the only one. section: latent frames that it makes
    at a time, told of the clip around them; 0: all together. beside: of a clip given later than at the canvas's start,
    how many rows it is shown beside the canvas, from the clip's first on, while it makes those places anew.
    few_steps: digests of those adapters of which a person says how many steps they are for, with these.
    """

    space: str
    channels: int
    patch: tuple[int, int, int]
    encoder: str
    objective: str
    loras: tuple[tuple[str, str, float, str], ...] = ()
    second: str = ""
    given: Given = "anywhere"
    needs_given: bool = False
    told: Told = "by itself"
    still: float = 1.0
    images: int = 0
    sides: tuple[int, int] | None = None
    only_sides: bool = False
    section: int = 0
    beside: int = field(default=0, metadata=LATER)
    few_steps: tuple[tuple[str, int], ...] = field(default=(), metadata=LATER | MANNER)


@dataclass(frozen=True, slots=True)
class ImageEncoder(ModelHandle):
    """encoder: name of the text encoder whose conditionings it adds to. dim: width of a row."""

    encoder: str
    dim: int


@dataclass(frozen=True, slots=True)
class Captioner(ModelHandle):
    """space: latent space that it reads."""

    space: str


@dataclass(frozen=True, slots=True)
class Expander(ModelHandle):
    """Makes a short prompt into a descriptive one. instructions: what a language model is told first."""

    instructions: str = ""


@dataclass(frozen=True, slots=True)
class Describer(ModelHandle):
    """A vision language model: reads frames and writes what they show."""
