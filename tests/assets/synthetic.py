"""Pictures made by formula."""

import numpy as np


def waves(frames: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """uint8 (frames height width channels): smooth waves that move, different in each channel."""
    t, y, x, c = np.meshgrid(*map(np.arange, (frames, height, width, channels)), indexing="ij", sparse=True)
    scale = max(height, width)
    values = 128 + 110 * np.sin(6 * x / scale + t / 4 + c) * np.cos(4 * y / scale + 2 * c + t / 7)
    return values.clip(0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal arrays."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))
