"""Who is running: so that nothing that a run still needs is evicted, by this process or another."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp

# Between the making of a lease and its locking; what is younger counts as locked.
LOCKING_SECONDS = 60


class Leases:
    """One locked file a run. The lock ends with its process, however that ends, so no dead run counts as alive."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "runs"
        self._folder.mkdir(exist_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A run, from now until the end of the block."""
        handle, name = mkstemp(dir=self._folder)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # A file's own times come from a clock that ticks every few milliseconds, and lag behind that of the uses.
            os.utime(handle, ns=(time.time_ns(),) * 2)
            yield
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(handle)

    def oldest(self) -> float:
        """When the oldest of the runs that are going on began, in seconds since 1970; now if there is none."""
        begun = [_begun(path) for path in self._folder.iterdir()]
        return min((at for at in begun if at is not None), default=time.time())


def _begun(path: Path) -> float | None:
    """When the run of a lease began; None, and the lease is deleted, if its process is gone."""
    try:
        with path.open() as file:
            begun = os.fstat(file.fileno()).st_mtime
            if begun > time.time() - LOCKING_SECONDS:
                return begun
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return begun
    except FileNotFoundError:
        pass
    return None
