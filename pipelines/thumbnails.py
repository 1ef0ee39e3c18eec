"""The pictures of the shipped workflows: `python -m pipelines.thumbnails [NAME ...]` runs them and writes what comes.

Each is a small animation (a picture where the result is one) in `pipelines/library/thumbnails/`, of at most 33 frames.
"""

import sys
import tempfile
from pathlib import Path

import assets
from assets import images, media
from assets.files import Files
from assets.store import Store
from assets.values import Clip
from pipelines.document import load
from pipelines.executors.local import LocalExecutor

LIBRARY = Path(__file__).parent / "library"
THUMBNAILS = LIBRARY / "thumbnails"
HEIGHT, FRAMES, QUALITY = 96, 33, 70
ENDING = ".loom.json"


def main(names: list[str]) -> None:
    """Write the thumbnails of the named workflows; of all if none is named."""
    wanted = names or sorted(path.name.removesuffix(ENDING) for path in LIBRARY.glob(f"*{ENDING}"))
    with tempfile.TemporaryDirectory() as folder:
        files = Files((Path(assets.__file__).parent / "samples",), Path(folder) / "outputs")
        executor = LocalExecutor(Store(Path(folder) / "store"), files)
        try:
            for name in wanted:
                document = load(LIBRARY / f"{name}{ENDING}")
                summary = executor.wait(executor.submit(document))
                if summary.failed:
                    raise SystemExit(f"{name}: {summary.failed}")
                made = media.read_clip(files.outputs / document.params("save")["file"])
                target = THUMBNAILS / f"{name}.webp"
                media.write_clip(small(made), target, quality=QUALITY)
                print(f"{target.name}: {target.stat().st_size / 1024:.0f} KiB")
        finally:
            executor.close()


def small(clip: Clip) -> Clip:
    """At most `FRAMES` frames from the start, `HEIGHT` pixels high."""
    height, width = clip.frames.shape[1:3]
    frames = images.resize(clip.frames[:FRAMES], HEIGHT, round(width * HEIGHT / height))
    return Clip(frames, clip.fps)


if __name__ == "__main__":
    main(sys.argv[1:])
