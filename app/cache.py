"""`patchloom cache`: what the store holds, and what of it is to stay or go."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ByteSize
from rich.console import Console
from rich.table import Table

from app import settings as settings_module
from app.refusals import fail
from assets.store import Action, BlobMissing, Freed, Store

cache = typer.Typer(help="Look at the results that are kept, and bound, pin or clear them.", no_args_is_help=True)

Home = Annotated[Path | None, typer.Option(help="Workspace folder; else $PATCHLOOM_HOME, else your data folder.")]
Name = Annotated[str, typer.Argument(help="The first letters of a result's name, as `ls` shows it.")]
Size = Annotated[str | None, typer.Option(help="A size like '20 GB'.")]

ORDERS: dict[str, Callable[[Action], float]] = {
    "used": lambda action: action.used,
    "size": lambda action: action.bytes,
    "seconds": lambda action: action.seconds,
}


@cache.command("ls")
def ls(
    home: Home = None,
    sort: Annotated[str, typer.Option(help="used (latest first), size or seconds (most first).")] = "used",
    limit: Annotated[int, typer.Option(help="Rows at most.", min=1)] = 50,
) -> None:
    """List what is kept: what made it, when, how long that took, and its bytes."""
    if sort not in ORDERS:
        fail(f"--sort is {sort!r}; it needs one of: {', '.join(ORDERS)}")
    with opened(home) as store:
        actions, size, budget = sorted(store.entries(), key=ORDERS[sort], reverse=True), store.size(), store.budget
    table = Table("name", "node", "made", "used", "took", "size", "", box=None)
    for column in (4, 5):
        table.columns[column].justify = "right"
    for action in actions[:limit]:
        table.add_row(
            action.key[:12],
            action.node_type,
            ago(action.created),
            ago(action.used),
            f"{action.seconds:.2f} s",
            readable(action.bytes),
            "pinned" if action.pinned else "",
        )
    console = Console()
    if actions:
        console.print(table)
    if len(actions) > limit:
        console.print(f"... and {len(actions) - limit} more; --limit shows them")
    console.print(f"{counted(len(actions))}, {readable(size)} of at most {readable(budget or 0)}", highlight=False)


@cache.command()
def verify(home: Home = None) -> None:
    """Read everything; delete what is damaged, so that it is made again when it is needed."""
    with opened(home) as store:
        if store.mend():
            fail("the index was damaged and is put aside; what it knew is made again when it is needed")
        damaged = store.verify()
    print(f"{len(damaged)} damaged and deleted" if damaged else "all is whole")


@cache.command()
def gc(home: Home = None) -> None:
    """Delete leftovers, then what is cheapest to make again for its bytes until the budget holds."""
    with opened(home) as store:
        say(store.gc())


@cache.command()
def pin(name: Name, home: Home = None) -> None:
    """Keep a result whatever the budget says."""
    with opened(home) as store:
        action = found(store, name)
        store.pin(action.key)
        print(f"pinned {action.key[:12]} ({action.node_type}, {readable(action.bytes)})")


@cache.command()
def unpin(name: Name, home: Home = None) -> None:
    """Treat a pinned result as all others again."""
    with opened(home) as store:
        action = found(store, name)
        store.pin(action.key, False)
        print(f"unpinned {action.key[:12]} ({action.node_type}, {readable(action.bytes)})")


@cache.command()
def clear(
    name: Annotated[str | None, typer.Argument(help="One result; else all that are not pinned.")] = None,
    home: Home = None,
) -> None:
    """Forget one result, or all that are not pinned; they are made again when they are needed."""
    with opened(home) as store:
        say(store.clear() if name is None else store.forget(found(store, name).key))


@cache.command()
def budget(disk: Size = None, ram: Size = None, home: Home = None) -> None:
    """Show or set how many bytes may be kept."""
    place = settings_module.load(home)
    changes = {name: size for name, size in (("cache_disk_bytes", disk), ("cache_ram_bytes", ram)) if size is not None}
    try:
        budgets = settings_module.set_budgets(place.home, changes) if changes else place.budgets
    except settings_module.SettingsError as refusal:
        fail(str(refusal))
    print(f"disk {readable(budgets.cache_disk_bytes)}, memory {readable(budgets.cache_ram_bytes)}")


@contextmanager
def opened(home: Path | None) -> Iterator[Store]:
    place = settings_module.load(home)
    store = Store(place.store, place.budgets.cache_disk_bytes)
    try:
        yield store
    finally:
        store.close()


def found(store: Store, name: str) -> Action:
    try:
        return store.named(name)
    except BlobMissing as missing:
        fail(str(missing))


def say(freed: Freed) -> None:
    print(f"{counted(freed.entries)} forgotten, {readable(freed.bytes)} freed")


def counted(results: int) -> str:
    return f"{results} result{'' if results == 1 else 's'}"


def readable(size: int) -> str:
    return ByteSize(size).human_readable(decimal=True, separator=" ")


def ago(when: float) -> str:
    """A time in seconds since 1970 as "5 min ago"."""
    seconds = max(0, time.time() - when)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"
