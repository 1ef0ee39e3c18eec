"""A random graph, and what comes of it if nothing goes wrong."""

import random
from typing import Any

from assets.codec import content_digest
from benchmarks.crash.nodes import film, join, watch
from pipelines.document import Document, wire_id

NODES = 24
FUNCTIONS: dict[str, Any] = {"join": join, "film": film, "watch": watch}


def graph(seed: int) -> Document:
    """Branches that part and join, of small and large values; each node has its own name, and so its own result."""
    chance = random.Random(seed)
    records: dict[str, Any] = {}
    texts: list[str] = []
    for number in range(NODES):
        name = f"n{number}"
        if texts and chance.random() < 0.25:
            add(records, f"{name}film", "film", seed, {"a": (chance.choice(texts), "text")})
            add(records, name, "watch", seed, {"clip": (f"{name}film", "clip")})
        else:
            sources = zip("ab", chance.sample(texts, min(len(texts), chance.randrange(3))), strict=False)
            add(records, name, "join", seed, {port: (source, "text") for port, source in sources})
        texts.append(name)
    return Document(records)


def add(records: dict[str, Any], name: str, kind: str, seed: int, inputs: dict[str, tuple[str, str]]) -> None:
    records[f"node:{name}"] = {"type": kind, "version": 1, "params": {"name": f"{seed}.{name}"}}
    for port, source in inputs.items():
        records[wire_id((name, port))] = {"from": list(source), "to": [name, port]}


def expected(document: Document) -> dict[str, str]:
    """The digest of each node's result, made by calling one after the other."""
    values: dict[str, Any] = {}
    for name, record in document.nodes.items():
        inputs = {port: values[source.node] for port, source in document.incoming[name].items()}
        values[name] = FUNCTIONS[record["type"]](**inputs, **record["params"])
    return {name: content_digest(value) for name, value in values.items()}
