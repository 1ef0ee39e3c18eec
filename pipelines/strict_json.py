"""JSON that means one thing only: no duplicate keys, no NaN, no number that a browser or a C library would change."""

import json
import math
from typing import Any

Json = Any
MAX_CHARACTERS = 64 * 1024 * 1024
MAX_DEPTH = 64
LARGEST_INT = 2**63
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class JsonError(ValueError):
    """Text that is no JSON, or JSON that no two readers would read alike."""


def parse(text: str) -> Json:
    """The value that `text` stands for; JsonError with a sentence that says where it is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise JsonError(f"it has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except json.JSONDecodeError as error:
        raise JsonError(f"line {error.lineno}, column {error.colno} is no JSON: {error.msg}") from None
    except RecursionError:
        raise JsonError(f"it is nested deeper than {MAX_DEPTH} levels") from None
    require_sound(value)
    return value


def canonical(value: Json) -> str:
    """The one text of a value: keys sorted, no spaces. 1, 1.0, "1" and true differ; equal values give equal text."""
    return CANONICAL.encode(value)


def same(a: Json, b: Json) -> bool:
    """Whether two values are the same JSON; unlike Python's ==, 1, 1.0 and true differ."""
    return a is b or (a == b and canonical(a) == canonical(b))


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in made if names.count(name) > 1)
        raise JsonError(f"an object has the key {twice[:80]!r} twice; keep one")
    return made


def _refuse_constant(name: str) -> Json:
    raise JsonError(f"{name} is no JSON number; use a finite one")


def _bounded_int(digits: str) -> int:
    if len(digits) > 20 or not -LARGEST_INT <= int(digits) < LARGEST_INT:
        raise JsonError(
            f"{digits[:24]}{'...' if len(digits) > 24 else ''} is too large a number; it needs 64 bits at most"
        )
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise JsonError(f"{digits[:24]} is too large a number; use a finite one")
    return number


def require_sound(value: Json) -> None:
    """JsonError for what would break a later reader: deep nesting, half characters, numbers that are none."""
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise JsonError(f"it is nested deeper than {MAX_DEPTH} levels")
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.keys())
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _require_unicode(item)
            elif isinstance(item, float) and not math.isfinite(item):
                raise JsonError(f"{item} is no JSON number; use a finite one")
        level, depth = below, depth + 1


def _require_unicode(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise JsonError(f"the text {text[:40]!r} holds half a character (a lone surrogate); type it anew") from None
