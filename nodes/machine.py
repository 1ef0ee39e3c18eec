"""What memory the machine has, asked of the system. No torch here."""

import os
import shutil
import subprocess
from functools import cache

ASSUMED_BYTES = 8 * 1024**3


def host_bytes() -> int:
    """Of the host's memory in all."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return ASSUMED_BYTES


@cache
def card_bytes(number: str = "0") -> int | None:
    """Of a CUDA device's memory in all; None where nobody says."""
    tool = shutil.which("nvidia-smi")
    query = ["--query-gpu=memory.total", "--format=csv,noheader,nounits", f"--id={number}"]
    told = subprocess.run([tool, *query], capture_output=True, text=True, check=False) if tool else None
    mebibytes = told.stdout.strip() if told else ""
    return int(mebibytes) * 1024**2 if mebibytes.isdigit() else None
