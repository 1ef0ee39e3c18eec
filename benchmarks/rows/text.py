"""From text alone: adherence, two things, sizes and lengths, images, a thing that is hidden for a while."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.adherence import BAR
from benchmarks.judge.verdicts import shares
from benchmarks.prompts import LISTS, Asked, fixed_prompts
from benchmarks.rows.setting import Row, Setting, percent
from nodes.world.scene import lasting

SIZES = ((64, 112), (112, 64), (96, 96), (128, 128))
LENGTHS = (1, 17, 33, 65)
_WITHIN = 0.15


def text(setting: Setting) -> list[Row]:
    got, count = _adherence(setting, "text", _prompts(setting, "held out"))
    bar = ", ".join(f"{name} {percent(share)}" for name, share in BAR.items())
    return [Row("text to video", count, _said(got), bar, all(got[name] >= share for name, share in BAR.items()))]


def two(setting: Setting) -> list[Row]:
    got, count = _adherence(setting, "two", _prompts(setting, "two things"))
    return [Row("two objects", count, f"both right {percent(got['all'])} ({_said(got)})", "50 %", got["all"] >= 0.5)]


def sizes(setting: Setting) -> list[Row]:
    """Against 64 x 64 and 17 frames, on the same prompts."""
    asked = _prompts(setting, "held out")
    base, count = _adherence(setting, "17_frames", asked)
    rows = [Row("64x64, 17 frames", count, _said(base))]
    for height, width in SIZES:
        got, _ = _adherence(setting, f"{width}x{height}", asked, height, width)
        rows.append(_beside(f"{width}x{height}, 17 frames", count, got, base))
    for frames in LENGTHS:
        if frames != 17:
            got, _ = _adherence(setting, f"{frames}_frames", asked, frames=frames)
            rows.append(_beside(f"64x64, {frames} frames", count, got, base))
    return rows


def image(setting: Setting) -> list[Row]:
    got, count = _adherence(setting, "image", _prompts(setting, "held out"), frames=1)
    names = ("colour", "background", "shape")
    bar = ", ".join(f"{name} {percent(BAR[name])}" for name in names)
    return [Row("text to image", count, _said(got), bar, all(got[name] >= BAR[name] for name in names))]


def hidden(setting: Setting) -> list[Row]:
    asked = _prompts(setting, "hidden")
    got, count = _adherence(setting, "hidden", asked, 64, 112)
    kept = got["colour_and_shape"]
    figures = f"colour and shape {percent(kept)} (colour {percent(got['colour'])}, shape {percent(got['shape'])})"
    return [Row("object permanence", count, figures, "70 %", kept >= 0.7)]


def _prompts(setting: Setting, name: str) -> list[Asked]:
    return fixed_prompts(name, min(setting.clips, LISTS[name][0]))


def _adherence(
    setting: Setting, name: str, asked: Sequence[Asked], height: int = 64, width: int = 64, frames: int = 17
) -> tuple[dict[str, float], int]:
    """The shares right, and of how many clips."""
    canvas = setting.studio.canvas(height, width, frames)
    clips = [setting.studio.make(one.prompt, canvas, setting.seed * 1000 + i) for i, one in enumerate(asked)]
    scenes = [lasting(one.scene, frames) for one in asked]
    verdicts = setting.verdicts(scenes, clips)
    setting.show(name, [one.prompt for one in asked], clips, verdicts)
    both = [all(v.seen[name] == v.facts[name] for name in ("colour", "shape")) for v in verdicts]
    return shares(verdicts) | {"colour_and_shape": sum(both) / len(both)}, len(clips)


def _beside(name: str, count: int, got: dict[str, float], base: dict[str, float]) -> Row:
    # A single frame shows no motion, so it is measured beside what a clip shows but for that.
    beside = base["colour_and_shape"] if "motion" not in got else base["all"]
    share = got["colour_and_shape"] if "motion" not in got else got["all"]
    figures = f"{_said(got)}; {100 * (share - beside):+.0f} points"
    return Row(name, count, figures, "within 15 points", share >= beside - _WITHIN)


def _said(got: dict[str, float]) -> str:
    names = ("colour", "background", "shape", "motion", "pattern", "camera", "all")
    return ", ".join(f"{name} {percent(got[name])}" for name in names if name in got)
