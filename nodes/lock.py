"""The version lock: a node whose code changed must say so by a new version, since results are kept by it.

`python -m nodes.lock` writes the fingerprints down. A node that changed under the same version is refused, unless
`--same-results` says that it computes what it did before (a rename, a comment, another sentence in an error).
"""

import argparse
import ast
import hashlib
import json
import sys
from functools import cache
from pathlib import Path

from assets.values import VALUE_TYPES
from nodes.api import Node
from nodes.models.handles import KINDS
from nodes.registry import library

Locked = dict[str, tuple[int, str]]

LOCK = Path(__file__).parent / "versions.lock.json"
ROOT = Path(__file__).parent.parent
# What declares and guards rather than computes: its changes leave every result as it is.
NOT_COUNTED = ("nodes.api", "nodes.context", "nodes.registry", "nodes.weights_file")


def fingerprint(node: Node) -> str:
    """sha256 of the code that makes a node's results: its module's, its models', and what those import of `nodes`."""
    handles = [VALUE_TYPES[port.type] for port in node.inputs.values()]
    models = [f"nodes.{KINDS[kind][0]}.model" for kind in handles if kind in KINDS]
    modules = sorted(_reached([node.fn.__module__, *models]))
    return hashlib.sha256("".join(_normal(module) for module in modules).encode()).hexdigest()


def now() -> Locked:
    """(version, fingerprint) of each node type, of the code as it is."""
    return {name: (node.version, fingerprint(node)) for name, node in sorted(library().items())}


def written() -> Locked:
    """(version, fingerprint) of each node type, as the lock file has it."""
    read = json.loads(LOCK.read_text()) if LOCK.exists() else {}
    return {name: (version, print_) for name, (version, print_) in read.items()}


def changed_without_a_version(before: Locked, after: Locked) -> list[str]:
    """Node types that have another fingerprint under the same version."""
    return [
        name for name in after if name in before and after[name][0] == before[name][0] and after[name] != before[name]
    ]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m nodes.lock", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--same-results", action="store_true", help="the nodes that changed compute what they did before, bit for bit"
    )
    asked = parser.parse_args(arguments)
    made = now()
    stale = changed_without_a_version(written(), made)
    if stale and not asked.same_results:
        print(
            f"The code of {', '.join(stale)} changed and the version did not. Raise the version in @node(version=...), "
            "or run `python -m nodes.lock --same-results` if the results are the same, bit for bit."
        )
        return 1
    LOCK.write_text(json.dumps(made, indent=1) + "\n")
    print(f"Locked {len(made)} nodes in {LOCK.name}.")
    return 0


def _reached(modules: list[str]) -> set[str]:
    """The modules, and those of `nodes` that they import, directly or not."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found and not module.startswith(NOT_COUNTED):
            found.add(module)
            waiting += _imports(module)
    return found


@cache
def _imports(module: str) -> tuple[str, ...]:
    names: list[str] = []
    for statement in ast.walk(_parsed(module)):
        if isinstance(statement, ast.ImportFrom) and statement.module and statement.module.startswith("nodes"):
            # `from nodes.dit import samplers` names a module, `from nodes.dit.model import DiT` is in one.
            names += [f"{statement.module}.{alias.name}" for alias in statement.names] + [statement.module]
        elif isinstance(statement, ast.Import):
            names += [alias.name for alias in statement.names if alias.name.startswith("nodes.")]
    return tuple(name for name in names if _file(name).exists())


@cache
def _normal(module: str) -> str:
    """The module's syntax without comments, layout and docstrings."""
    tree = _parsed(module)
    for statement in ast.walk(tree):
        body = getattr(statement, "body", None)
        if isinstance(body, list):
            texts = [part for part in body if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)]
            statement.body = [part for part in body if part not in texts]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _parsed(module: str) -> ast.Module:
    return ast.parse(_file(module).read_text())


def _file(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
