"""Model folders in the real formats, made here and offline."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
