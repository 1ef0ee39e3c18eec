"""With a clip given that is changed: other colour or background, inside of a mask, outside of it, between keyframes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import torch

from assets.values import Clip, Mask, Patches
from benchmarks.judge.verdicts import shares
from benchmarks.motion import correlation, track
from benchmarks.rows.given import some_scenes
from benchmarks.rows.setting import Row, Setting, percent
from benchmarks.studio import psnr, rendered
from nodes.media.edit import composite
from nodes.media.nodes import mask_box, pad
from nodes.patches.nodes import arrange_patches
from nodes.world.captions import caption
from nodes.world.scene import BACKGROUNDS, COLOURS, Scene, visible

STRENGTH = 0.6
_MOVES = ("right", "left", "up", "down", "bounce", "orbit", "fall")


def edit(setting: Setting) -> list[Row]:
    """SDEdit: another colour, another background, by prompt."""
    return [_edited(setting, "colour", 0.8), _edited(setting, "background", 0.8)]


def inpaint(setting: Setting) -> list[Row]:
    """A box in the middle is made anew; then all but a box is."""
    studio = setting.studio
    rows = []
    for name in ("inpaint", "outpaint"):
        scenes = some_scenes(setting, name, 17, (*_MOVES, "spin"))
        made, texts, outside, joins = [], [], 0.0, []
        for i, scene in enumerate(scenes):
            texts.append(caption(scene, random.Random(i)))
            if name == "inpaint":
                before = rendered(scene)
                mask = mask_box(before, left=16, top=0, width=32, height=64)
            else:
                before = pad(rendered(scene), left=24, right=24)
                mask = mask_box(before, left=24, top=0, width=64, height=64, invert=True)
            height, width = before.frames.shape[1:3]
            canvas = arrange_patches(studio.canvas(height, width), studio.patches(before), mask=mask, place="all")
            after = composite(before, studio.make(texts[-1], canvas, setting.seed * 1000 + i), mask)
            kept = np.asarray(mask.weight) == 0
            outside = max(outside, float(np.abs(after.frames[kept].astype(int) - before.frames[kept]).max()))
            joins.append(_edge_ratio(after, mask))
            made.append(after)
        setting.show(name, texts, made)
        figures = (
            f"largest change outside {outside:.0f} of 255; step over the edge {np.mean(joins):.2f} x that beside it"
        )
        rows.append(Row(name, len(made), figures, "outside unchanged", outside == 0))
    return rows


def keyframes(setting: Setting) -> list[Row]:
    """The first, the middle and the last latent frame of a clip of 33 frames are given."""
    studio, scenes = setting.studio, some_scenes(setting, "keyframes", 33)
    made, texts, same, kept = [], [], True, []
    for i, scene in enumerate(scenes):
        texts.append(caption(scene, random.Random(i)))
        truth = rendered(scene, frames=33)
        canvas, given = studio.canvas(frames=33), studio.patches(truth)
        rows = (0, 4, 8)
        sampled = studio.sample(_with_rows(canvas, given, rows), texts[-1], setting.seed * 1000 + i)
        same = same and all(torch.equal(_rows(sampled)[row], _rows(given)[row]) for row in rows)
        made.append(studio.decode(sampled))
        whole = studio.reconstruct(truth)
        kept.append(
            np.mean([psnr(Clip(made[-1].frames[n : n + 1], 8), Clip(whole.frames[n : n + 1], 8)) for n in (0, 16, 32)])
        )
    verdicts = setting.verdicts(scenes, made)
    setting.show("keyframes", texts, made, verdicts)
    got = shares(verdicts)
    figures = (
        f"given latents {'unchanged, bit for bit' if same else 'CHANGED'}; their frames {np.mean(kept):.0f} dB to "
        f"those of the whole clip; colour {percent(got['colour'])}, shape {percent(got['shape'])}, "
        f"motion {percent(got['motion'])}"
    )
    return [Row("keyframes", len(made), figures, "given unchanged", same)]


def _edited(setting: Setting, attribute: str, bar: float) -> Row:
    studio, rng = setting.studio, random.Random(f"edit {attribute}")
    made, texts, targets, runs = [], [], list[Scene](), []
    for scene in some_scenes(setting, f"edit {attribute}", 17, _MOVES):
        target = _other(scene, attribute, rng)
        colour = target.things[0].colour
        truth = track(rendered(scene), scene.things[0].colour)
        if min(correlation(truth, track(clip, colour)) for clip in (rendered(target),)) < 0.95:
            continue  # before this background the thing's colour tells nothing of where it is
        targets.append(target)
        texts.append(caption(target, random.Random(len(texts))))
        given = studio.patches(rendered(scene))
        canvas = arrange_patches(studio.canvas(), given, place="all", strength=STRENGTH)
        made.append(studio.make(texts[-1], canvas, setting.seed * 1000 + len(made)))
        runs.append(correlation(truth, track(made[-1], colour)))
    verdicts = setting.verdicts(targets, made)
    setting.show(f"edit_{attribute}", texts, made, verdicts)
    got, like = shares(verdicts), float(np.median(runs))
    share = sum(run >= 0.8 for run in runs) / len(runs)
    figures = (
        f"{attribute} changed {percent(got[attribute])}; track correlation {like:.2f} (median), >= 0.8 in "
        f"{percent(share)}; all four {percent(got['all'])}"
    )
    met = got[attribute] >= bar and like >= 0.8
    return Row(f"edit: {attribute}", len(made), figures, f"changed, correlation >= 0.8 (at strength {STRENGTH})", met)


def _other(scene: Scene, attribute: str, rng: random.Random) -> Scene:
    (thing,) = scene.things
    if attribute == "colour":
        colours = [colour for colour in COLOURS if colour != thing.colour and visible(colour, scene.background)]
        return replace(scene, things=(replace(thing, colour=rng.choice(colours)),))
    backgrounds = [one for one in BACKGROUNDS if one != scene.background and visible(thing.colour, one)]
    return replace(scene, background=rng.choice(backgrounds))


def _edge_ratio(clip: Clip, mask: Mask) -> float:
    """How much larger the step from pixel to pixel is where the mask's edge runs than in the columns beside it."""
    across = np.abs(np.diff(clip.frames.astype(float), axis=2)).mean((0, 1, 3))
    edges = np.flatnonzero(np.diff(np.asarray(mask.weight)[0, 0]))
    beside = [column + step for column in edges for step in (-3, -2, 2, 3)]
    return float(across[edges].mean() / max(0.1, across[beside].mean()))


def _rows(patches: Patches) -> torch.Tensor:
    return torch.as_tensor(patches.tokens).unflatten(0, (patches.grids[0][0], -1))


def _with_rows(canvas: Patches, given: Patches, rows: tuple[int, ...]) -> Patches:
    tokens, noise = _rows(canvas).clone(), torch.as_tensor(canvas.noise).unflatten(0, (canvas.grids[0][0], -1)).clone()
    for row in rows:
        tokens[row], noise[row] = _rows(given)[row], 0
    return Patches(tokens.flatten(0, 1), noise.flatten(), canvas.grids, canvas.patch, canvas.space, canvas.fps)
