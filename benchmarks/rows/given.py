"""With a beginning, an end or both given: animate, extend, loop, connect."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assets.values import Clip
from benchmarks.judge.verdicts import shares
from benchmarks.motion import steps, warp_errors
from benchmarks.prompts import fixed_prompts
from benchmarks.rows.setting import Row, Setting, percent
from benchmarks.studio import psnr, rendered
from nodes.media.edit import last_frames
from nodes.media.nodes import join_clips, trim
from nodes.patches.nodes import arrange_patches
from nodes.world.captions import caption
from nodes.world.scene import Scene, lasting, sample_scene

# What goes on for as long as one looks, so that a loop or a way between two moments makes sense.
CYCLES = ("bounce", "orbit", "spin")


def animate(setting: Setting) -> list[Row]:
    """A first frame given, as the world draws it; the motion is the prompt's."""
    studio, asked = setting.studio, fixed_prompts("held out")[: setting.clips]
    made, kept = [], []
    for i, one in enumerate(asked):
        first = rendered(one.scene, frames=1)
        canvas = arrange_patches(studio.canvas(), studio.patches(first), place="first frame")
        clip = studio.make(one.prompt, canvas, setting.seed * 1000 + i)
        kept.append(psnr(trim(clip, frames=1), studio.reconstruct(first)))
        made.append(clip)
    verdicts = setting.verdicts([one.scene for one in asked], made)
    setting.show("animate", [one.prompt for one in asked], made, verdicts)
    got = shares(verdicts)
    figures = f"given frame kept at {min(kept):.0f} dB or more, motion {percent(got['motion'])}"
    met = min(kept) >= 30 and got["motion"] >= 0.7
    return [Row("animate an image", len(asked), figures, "30 dB, motion 70 %", met)]


def extend(setting: Setting) -> list[Row]:
    """Half of a clip of 33 frames is given, the first or the second; guided little, since it shows what is meant."""
    studio, scenes = replace(setting.studio, guidance=2.0), some_scenes(setting, "extend", 33)
    rows = []
    for name, place, start in (("forwards", "start", 0), ("backwards", "end", 16)):
        made, texts = [], []
        for i, scene in enumerate(scenes):
            texts.append(caption(scene, random.Random(i)))
            given = studio.patches(rendered(scene, start=start))
            canvas = arrange_patches(studio.canvas(frames=33), given, place=place)  # type: ignore[arg-type]
            made.append(studio.make(texts[-1], canvas, setting.seed * 1000 + i))
        setting.show(f"extend_{name}", texts, made)
        errors = np.stack([warp_errors(clip) for clip in made])
        inside = np.delete(errors, 16, axis=1).mean()
        truth = np.stack([warp_errors(studio.reconstruct(rendered(scene, frames=33))) for scene in scenes])
        ratio, usual = errors[:, 16].mean() / inside, truth[:, 16].mean() / np.delete(truth, 16, axis=1).mean()
        figures = f"warp error at the join {ratio:.2f} x inside (there in whole clips, by the VAE: {usual:.2f})"
        rows.append(Row(f"extend {name}", len(made), figures, "<= 1.25", bool(ratio <= 1.25)))
    return rows


def loop(setting: Setting) -> list[Row]:
    """As the workflow does it: from the clip's end to its beginning, and through it once more."""
    studio, scenes = setting.studio, some_scenes(setting, "loop", 17)
    made, texts = [], []
    for i, scene in enumerate(scenes):
        clip = rendered(scene)
        texts.append(caption(scene, random.Random(i)))
        end, whole = studio.patches(last_frames(clip, frames=5)), studio.patches(clip)
        canvas = arrange_patches(studio.canvas(frames=37), end, whole, place="both ends")
        made.append(trim(studio.make(texts[-1], canvas, setting.seed * 1000 + i), start=5, frames=0))
    setting.show("loop", texts, made)
    ratios = [steps(clip)[-1] / np.median(steps(clip)[:-1]) for clip in made]
    share = sum(ratio <= 1.25 for ratio in ratios) / len(ratios)
    figures = f"last to first {np.mean(ratios):.2f} x the median step; {percent(share)} of clips within 1.25"
    return [Row("seamless loop", len(made), figures, "<= 1.25", bool(np.mean(ratios) <= 1.25))]


def connect(setting: Setting) -> list[Row]:
    """The first and the last 9 frames of a clip of 33 are given; between them, the clip itself has a way to show."""
    studio, scenes = setting.studio, some_scenes(setting, "connect", 33)
    made, texts, ends, ways = [], [], [], []
    for i, scene in enumerate(scenes):
        first, last = rendered(scene, frames=9), rendered(scene, frames=9, start=24)
        texts.append(caption(scene, random.Random(i)))
        canvas = arrange_patches(
            studio.canvas(frames=33), studio.patches(first), studio.patches(last), place="both ends"
        )
        between = studio.make(texts[-1], canvas, setting.seed * 1000 + i)
        ends.append(psnr(_part(between, 0, 9), studio.reconstruct(first)))
        ends.append(psnr(_part(between, 29, 33), _part(studio.reconstruct(last), 5, 9)))
        ways.append(steps(between)[8:24].max() / np.concatenate([steps(first)[:-1], steps(last)[:-1]]).max())
        made.append(join_clips(join_clips(first, between, overlap=9), last, overlap=9))
    verdicts = setting.verdicts([replace(scene, camera="fixed") for scene in scenes], made)
    setting.show("connect", texts, made, verdicts)
    got = shares(verdicts)
    figures = (
        f"ends kept at {min(ends):.0f} dB or more; largest step between {np.median(ways):.2f} x that of the clips; "
        f"colour {percent(got['colour'])}, shape {percent(got['shape'])}, motion {percent(got['motion'])}"
    )
    return [Row("connect two clips", len(made), figures, "ends kept, a path", bool(min(ends) >= 25))]


def some_scenes(setting: Setting, name: str, frames: int, motions: Sequence[str] = CYCLES) -> list[Scene]:
    """Scenes of one thing of held-out combinations, in motions that go on, before a fixed camera."""
    rng, scenes = random.Random(f"tasks {name}"), list[Scene]()
    while len(scenes) < setting.clips:
        scene = replace(sample_scene(rng, two=0, passing=0, held=True), camera="fixed")
        if scene.things[0].motion in motions:
            scenes.append(lasting(scene, frames))
    return scenes


def _part(clip: Clip, start: int, stop: int) -> Clip:
    return Clip(clip.frames[start:stop], clip.fps)
