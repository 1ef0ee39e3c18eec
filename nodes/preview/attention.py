"""Looking at a DiT at work: where a patch looks, and where a word is read."""

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from assets.values import (
    Clip,
    ClipSpec,
    Conditioning,
    ConditioningSpec,
    DiT,
    Patches,
    PatchesSpec,
    Text,
    TextSpec,
)
from assets.values.patches import Grid
from nodes.api import Range, Seed, SpecError, node
from nodes.context import Context
from nodes.preview import colours
from nodes.preview.drawing import drawn_by
from nodes.preview.heat import overlay
from nodes.video_vae.sizes import require_space

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

Place = Range(0, 4096)
Seen = Annotated[Patches, "One clip: a finished one, or one that is still to be made."]
Over = Annotated[Clip | None, "Frames to show it over, as decoded; without them, the patches' own colours."]
Block = Annotated[int, Range(0, 256), "Which of the DiT's blocks, from 1 on; 0: the mean of all."]
Noise = Annotated[
    float, Range(0, 1, 0.05), "How deep in the noise the DiT looks at it: early steps are near 1, the last near 0."
]
NoiseSeed = Annotated[int, Seed(), "Of the noise."]


def show_attention_spec(
    dit: DiT,
    patches: PatchesSpec,
    conditioning: ConditioningSpec,
    time: int,
    row: int,
    column: int,
    clip: ClipSpec | None = None,
) -> ClipSpec:
    grid = _only_grid(dit, patches, conditioning)
    place = (time, row, column)
    if any(at >= size for at, size in zip(place, grid, strict=True)):
        raise SpecError(
            f"Got the patch at time, row, column {place}; the clip has {_by(grid)} of them, counted from 0. "
            f"Try at most {tuple(size - 1 for size in grid)}."
        )
    return _shown_spec(grid, patches, clip)


@node(
    version=1,
    category="preview",
    spec=show_attention_spec,
    content=drawn_by,
    label="Attention of a patch",
    keywords=("transformer", "heat map", "look", "explain", "view"),
)
def show_attention(
    dit: Annotated[DiT, "The diffusion transformer to look into."],
    patches: Seen,
    conditioning: Annotated[Conditioning, "The text that it works by."],
    clip: Over = None,
    *,
    ctx: Context,
    time: Annotated[int, Place, "Which patch: its place in time, from 0."] = 0,
    row: Annotated[int, Place, "Its row, from the top, from 0."] = 0,
    column: Annotated[int, Place, "Its column, from the left, from 0."] = 0,
    block: Block = 0,
    noise: Noise = 0.5,
    seed: NoiseSeed = 0,
) -> Clip:
    """Show where a patch looks, in space and time, when the DiT works on it: the brighter, the more."""
    from nodes.preview.read_out import of_token

    grid = patches.grids[0]
    _, rows, columns = grid
    token = (time * rows + row) * columns + column
    blocks = of_token(ctx.model(dit), token, _forward(dit, patches, conditioning, ctx, noise, seed))
    heat = colours.floats(_chosen(blocks, block)).reshape(grid)
    return _over(heat, patches, clip, (time, row, column))


class Read(NamedTuple):
    clip: Clip
    shares: Text


class ReadSpec(NamedTuple):
    clip: ClipSpec
    shares: TextSpec


def show_reading_spec(
    dit: DiT, patches: PatchesSpec, conditioning: ConditioningSpec, clip: ClipSpec | None = None
) -> ReadSpec:
    grid = _only_grid(dit, patches, conditioning)
    return ReadSpec(_shown_spec(grid, patches, clip), TextSpec(None))


@node(
    version=1,
    category="preview",
    spec=show_reading_spec,
    content=drawn_by,
    label="Where a word is read",
    keywords=("cross-attention", "prompt", "token", "heat map", "explain", "view"),
)
def show_reading(
    dit: Annotated[DiT, "The diffusion transformer to look into."],
    patches: Seen,
    conditioning: Annotated[Conditioning, "The text that it reads."],
    clip: Over = None,
    *,
    ctx: Context,
    word: Annotated[str, "A word of the text; empty: the one that is read most."] = "",
    block: Block = 0,
    noise: Noise = 0.5,
    seed: NoiseSeed = 0,
) -> Read:
    """Show where in a clip a word is read, and how much each word of the text is read in all."""
    from nodes.preview.read_out import of_words

    tables = of_words(ctx.model(dit), _forward(dit, patches, conditioning, ctx, noise, seed))
    table = colours.floats(_chosen(tables, block))
    shares = table.mean(0)
    index = _index(word, conditioning.words) if word else int(shares.argmax())
    heat = table[:, index].reshape(patches.grids[0])
    lines = [f"{100 * share:5.1f} %  {name}" for name, share in zip(conditioning.words, shares, strict=True)]
    return Read(_over(heat, patches, clip), Text("\n".join(lines)))


def _forward(
    dit: DiT, patches: Patches, conditioning: Conditioning, ctx: Context, level: float, seed: int
) -> "Callable[[], Tensor]":
    """Run the DiT on the patches at a level of noise: on what is to be made or changed, or, if all is given, on all."""
    import torch

    from nodes.dit.objectives import add_noise
    from nodes.patches.layout import grid_coords

    model = ctx.model(dit)
    clean = torch.as_tensor(patches.tokens)[None]
    own = torch.as_tensor(patches.noise)[None]
    levels = level * (own if own.any() else torch.ones_like(own))
    # Drawn on the CPU, as the sampler does: a seed means the same noise on every device.
    eps = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    noisy = add_noise(model.config.objective, clean, eps, levels).to(ctx.device)
    text = torch.as_tensor(conditioning.embeds)[None].to(ctx.device)
    words = torch.ones(text.shape[:2], dtype=torch.bool, device=ctx.device)
    coords = grid_coords(*patches.grids[0])[None].to(ctx.device)

    def forward() -> "Tensor":
        with torch.inference_mode():
            return model(noisy, coords, levels.to(ctx.device), text, words)  # type: ignore[no-any-return]

    return forward


def _chosen(blocks: Any, block: int) -> Any:
    """One of (blocks ...), or their mean."""
    if block > len(blocks):
        raise ValueError(f"Got block {block}; this DiT has {len(blocks)}. Try 1 to {len(blocks)}, or 0 for their mean.")
    return blocks[block - 1] if block else blocks.mean(0)


def _index(word: str, words: tuple[str, ...]) -> int:
    wanted = word.strip().lower()
    for index, name in enumerate(words):
        if name.strip().lower() == wanted:
            return index
    raise ValueError(f"Got the word {word!r}, which the text does not have; it needs one of: {', '.join(words)}.")


def _over(heat: Any, patches: Patches, clip: Clip | None, mark: tuple[int, int, int] | None = None) -> Clip:
    if clip is None:
        grid = patches.grids[0]
        latent = colours.as_latent(colours.floats(patches.tokens), grid, patches)
        clip = colours.coloured(latent)
    frames = colours.enlarged(clip.frames[..., :3])
    return Clip(overlay(frames, heat, patches.patch[0], mark), clip.fps)


def _only_grid(dit: DiT, patches: PatchesSpec, conditioning: ConditioningSpec) -> Grid:
    """The grid of the one clip; SpecError where the DiT does not fit what it is to look at."""
    require_space("DiT", dit.space, patches.space)
    if patches.patch != dit.patch:
        raise SpecError(
            f"Got patches of {_by(patches.patch)} latent cells; this DiT works on {_by(dit.patch)}. "
            "Wire the DiT into the patchify node too, so that it cuts to fit."
        )
    if conditioning.encoder != dit.encoder:
        raise SpecError(
            f"Got text encoded by {conditioning.encoder!r}; this DiT was trained with {dit.encoder!r}. "
            "Encode the text with its own text encoder."
        )
    if len(patches.grids) != 1:
        raise SpecError(
            f"Got {len(patches.grids)} clips packed together; this node looks at one. Take one apart first."
        )
    return patches.grids[0]


def _shown_spec(grid: Grid, patches: PatchesSpec, clip: ClipSpec | None) -> ClipSpec:
    time = grid[0] * patches.patch[0]
    if clip is None:
        height, width = grid[1] * patches.patch[1], grid[2] * patches.patch[2]
        fps, frames = colours.latent_fps(patches.fps), time
    else:
        height, width, fps, frames = clip.height, clip.width, clip.fps, clip.frames
        if frames != time and (time == 1 or (frames - 1) % (time - 1)):
            raise SpecError(
                f"Got a clip of {frames} frames for patches of {time} latent frames; it needs 1 + k x {time - 1}, as "
                "the VAE decodes them. Wire in the clip that these patches were decoded to."
            )
    factor = colours.enlargement(height, width)
    return ClipSpec(frames, factor * height, factor * width, fps)


def _by(sizes: Grid) -> str:
    return "x".join(map(str, sizes))
