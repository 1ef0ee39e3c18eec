"""The real nodes, with the shipped weights, or with those in $PATCHLOOM_TEST_WEIGHTS (see test_text_to_video)."""

import os
from pathlib import Path

from assets import weight_files
from nodes.registry import library

if "PATCHLOOM_TEST_WEIGHTS" in os.environ:
    weight_files.BUILTIN = Path(os.environ["PATCHLOOM_TEST_WEIGHTS"])

__all__ = ["library"]
