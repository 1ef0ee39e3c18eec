"""Real footage through the nodes and the shipped VAE, read back by another decoder."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from bench import Bench

from assets.files import Files
from assets.values import Clip, VideoVAE
from nodes.context import Workflow
from nodes.media.nodes import load_clip, resize, save_clip, trim
from nodes.models.handles import builtin
from nodes.video_vae.nodes import decode_latent, encode_video


@pytest.mark.parametrize(
    ("name", "least_psnr"), [("bigbuckbunny.mp4", 20), ("bikes.mp4", 18), ("carphone_pristine.mp4", 18)]
)
def test_footage_keeps_its_length_rate_size_and_colours_from_file_to_file(
    name: str, least_psnr: float, footage: Callable[[str], Path], tmp_path: Path
) -> None:
    files, bench, vae = Files((footage(name).parent,), tmp_path), Bench(), builtin(VideoVAE)
    loaded = load_clip(file=name, frames=20, files=files)
    assert np.abs(loaded.frames[0].astype(float) - opencv_frames(footage(name), 1)[0][0]).mean() < 4

    clip = resize(trim(loaded, frames=17), width=96, height=64)
    decoded = decode_latent(vae, encode_video(vae, clip, ctx=bench), ctx=bench)
    assert decoded.spec == clip.spec
    assert psnr(clip, decoded) > least_psnr

    saved = save_clip(decoded, file="out.mp4", files=files, workflow=Workflow())
    frames, fps = opencv_frames(tmp_path / saved.name)
    assert frames.shape == (17, 64, 96, 3)
    assert fps == pytest.approx(clip.fps, rel=0.01)
    assert np.abs(frames.mean(axis=(1, 2)) - clip.frames.mean(axis=(1, 2))).max() < 12


def opencv_frames(path: Path, count: int | None = None) -> tuple[np.ndarray, float]:
    """Frames (t h w 3) in RGB and the frame rate, as OpenCV reads them."""
    video = cv2.VideoCapture(str(path))
    frames: list[np.ndarray] = []
    while count is None or len(frames) < count:
        there, frame = video.read()
        if not there:
            break
        frames.append(frame[..., ::-1])
    return np.stack(frames), video.get(cv2.CAP_PROP_FPS)


def psnr(first: Clip, second: Clip) -> float:
    error = (first.frames.astype(float) - second.frames) ** 2
    return float(10 * np.log10(255**2 / error.mean()))
