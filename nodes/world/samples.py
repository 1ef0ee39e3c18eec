"""Sample media for the shipped workflows, drawn by the world: `python -m nodes.world.samples`."""

from __future__ import annotations

from pathlib import Path

from einops import rearrange

import assets
from assets.media import write_clip
from assets.values import Clip
from nodes.world.render import render
from nodes.world.scene import FRAMES_PER_SECOND, Scene, Thing

FOLDER = Path(assets.__file__).parent / "samples"
SAMPLES = {
    "star.png": Scene((Thing("yellow", "star", "medium", "right", x=-1),), "night", variant=0.3),
    "ball.mp4": Scene((Thing("red", "circle", "medium", "right"),), "meadow", variant=0.4),
    "ball_later.mp4": Scene((Thing("red", "circle", "medium", "up"),), "meadow", variant=0.4),
    "heart.mp4": Scene((Thing("red", "heart", "large", "spin"),), "sunset", variant=0.2),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, scene in SAMPLES.items():
        frames = render([scene], 64, 64, 1 if name.endswith(".png") else 17)
        pixels = rearrange((frames[0] + 1) * 127.5, "c t h w -> t h w c").round().byte().numpy()
        write_clip(Clip(pixels, float(FRAMES_PER_SECOND)), FOLDER / name, quality=95)


if __name__ == "__main__":
    main()
