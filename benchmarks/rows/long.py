"""A long video: whether it stays what it is over all its windows, and what memory it takes."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from assets.values import Clip
from benchmarks.judge.verdicts import Verdict
from benchmarks.rows.given import CYCLES, some_scenes
from benchmarks.rows.setting import Row, Setting, percent
from benchmarks.studio import rendered
from nodes.dit.windows import sample_windows
from nodes.world.captions import caption
from nodes.world.scene import Scene

FRAMES, LENGTHS, _PART = 257, (65, 257, 1025), 33


def long(setting: Setting) -> list[Row]:
    """Each clip is judged part by part, 33 frames at a time; so are the scenes as rendered, through the VAE."""
    studio, scenes = setting.studio, some_scenes(setting, "long", FRAMES, CYCLES)
    texts = [caption(scene, random.Random(i)) for i, scene in enumerate(scenes)]
    made, whole = list[Clip](), list[Clip]()
    for i, (scene, prompt) in enumerate(zip(scenes, texts, strict=True)):
        sampled = sample_windows(
            studio.dit,
            studio.canvas(frames=FRAMES),
            studio.read(prompt),
            ctx=studio,
            seed=setting.seed * 1000 + i,
            steps=studio.steps_,
            guidance=studio.guidance,
            shift=studio.shift,
        )
        made.append(studio.decode(sampled))
        whole.append(studio.reconstruct(rendered(scene, frames=FRAMES)))
    verdicts = _by_parts(setting, scenes, made)
    setting.show("long", texts, made, verdicts)
    share, kept = _same(verdicts)
    most, most_kept = _same(_by_parts(setting, scenes, whole))
    peaks = ", ".join(f"{frames}: {_peak(frames):.0f} MB" for frames in LENGTHS)
    figures = (
        f"colour and shape right in {percent(share)} of parts, in all of 8 parts in {percent(kept)} of clips (of the "
        f"scenes through the VAE {percent(most)} and {percent(most_kept)}); peak memory by frames {peaks}"
    )
    return [Row(f"long video, {FRAMES} frames", len(made), figures, "80 % of parts", share >= 0.8)]


def _by_parts(setting: Setting, scenes: Sequence[Scene], clips: Sequence[Clip]) -> list[Verdict]:
    """The verdicts on all parts; each names the clip that it is of."""
    verdicts = []
    for number, (scene, clip) in enumerate(zip(scenes, clips, strict=True)):
        parts = [replace(clip, frames=clip.frames[at : at + _PART]) for at in range(0, FRAMES - 1, _PART - 1)]
        verdicts += [replace(one, clip=number) for one in setting.verdicts([scene] * len(parts), parts)]
    return verdicts


def _same(verdicts: Sequence[Verdict]) -> tuple[float, float]:
    """The share of parts that have colour and shape right, and of clips that have it in all their parts."""
    right = defaultdict[int, list[bool]](list)
    for one in verdicts:
        right[one.clip].append(all(one.seen[name] == one.facts[name] for name in ("colour", "shape")))
    return sum(map(sum, right.values())) / len(verdicts), sum(map(all, right.values())) / len(right)


def _peak(frames: int) -> float:
    """The peak memory in MB of a process that samples so many frames and streams them into a file."""
    ran = subprocess.run([sys.executable, "-m", __name__, str(frames)], capture_output=True, text=True, check=True)
    return float(ran.stdout)


def _measure(frames: int) -> None:
    import tempfile
    from pathlib import Path

    import torch

    from assets.files import Files
    from benchmarks.studio import Studio
    from nodes.context import Workflow
    from nodes.patches.nodes import unpatchify
    from nodes.video_vae.nodes import save_latent

    torch.set_num_threads(1)
    studio = Studio()
    text = studio.read("a red ball bouncing over a green meadow")
    sampled = sample_windows(studio.dit, studio.canvas(frames=frames), text, ctx=studio, steps=1)
    with tempfile.TemporaryDirectory() as folder:
        files = Files((), Path(folder))
        save_latent(studio.vae, unpatchify(sampled), ctx=studio, files=files, workflow=Workflow(), file="long.mp4")
    # Not by getrusage, which begins with what the parent had when it started this process.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(line.split()[1]) / 1024)


if __name__ == "__main__":
    _measure(int(sys.argv[1]))
