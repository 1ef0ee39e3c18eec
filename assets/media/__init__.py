"""Media in and out: clips and images in files, and the workflow that made them inside those files."""

from assets.media.errors import MediaError
from assets.media.read import frame_range, probe, read_clip
from assets.media.workflow import read_workflow
from assets.media.write import WRITABLE, encode_clip, encode_frames, write_clip, write_frames

__all__ = [
    "WRITABLE",
    "MediaError",
    "encode_clip",
    "encode_frames",
    "frame_range",
    "probe",
    "read_clip",
    "read_workflow",
    "write_clip",
    "write_frames",
]
