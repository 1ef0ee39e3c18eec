"""The captions' grammar, walked word by word: what may be written next, so that only whole captions are written.

A cursor also holds to what was asked for (`Asked`), where a prompt is expanded: a colour that the prompt gives is the
only one that may be written. The phrases are those of `nodes.world.captions`; the order is that of its captions.
No torch here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nodes.world import captions
from nodes.world.scene import (
    BACKGROUNDS,
    CAMERA_BACKGROUNDS,
    CAMERA_MOTIONS,
    CAMERAS,
    COLOURS,
    HIDING_SHAPES,
    LANE_MOTIONS,
    PASSES,
    PATTERNS,
    SHAPES,
    SIZES,
)
from nodes.writer.words import Detail

_PAIRS = {"left": "right", "top": "bottom"}
_CHANGES = ("grow", "shrink")


@dataclass(frozen=True)
class AskedThing:
    """What is to be said of a thing; None leaves it open."""

    colour: str | None = None
    shape: str | None = None
    size: str | None = None
    motion: str | None = None
    lane: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Asked:
    """What is to be said; None leaves it open. `things` is empty where even their number is open.

    passes: how the first of two things passes the second, "behind" or "front"; "" where it does not.
    """

    things: tuple[AskedThing, ...] = ()
    background: str | None = None
    camera: str | None = None
    passes: str | None = None


@dataclass(frozen=True)
class _State:
    """What has been said so far, and the stage that comes next. `things` are complete but for the last one."""

    stage: str
    things: tuple[AskedThing, ...] = ()
    background: str | None = None
    passes: bool = False
    told: int = 0
    """How many things' motions have been told."""


_Place = tuple[tuple[str, ...], _State]
"""Words of a phrase that are still to be said, and the state after them."""


class Cursor:
    """Where a caption stands. `words()` are those that may come next; `ended()` says whether it may end here."""

    def __init__(self, detail: Detail, asked: Asked | None = None, *, still: bool = False) -> None:
        self.walk = _Walk(detail, asked or Asked(), still)
        self.places = self._settled([((), _State("open"))])

    def words(self) -> set[str]:
        return {words[0] for words, _ in self.places if words}

    def ended(self) -> bool:
        return any(not words for words, _ in self.places)

    def advance(self, word: str) -> None:
        """Say one of `words()`."""
        self.places = self._settled([(words[1:], after) for words, after in self.places if words and words[0] == word])

    def _settled(self, places: list[_Place]) -> list[_Place]:
        """Each place with words to say, or at the end; stages that have said their phrase lead on to the next."""
        settled: dict[_Place, None] = {}
        while places:
            words, state = places.pop()
            if words or state.stage == "end":
                settled[words, state] = None
            else:
                places += [(tuple(phrase.replace(".", " .").split()), after) for phrase, after in self.walk.on(state)]
        return list(settled)


@dataclass(frozen=True)
class _Walk:
    """The stages of a caption: each gives the phrases that may come next, and the state after each."""

    detail: Detail
    asked: Asked
    still: bool

    @property
    def long(self) -> bool:
        return self.detail == "descriptive" and not self.still

    def on(self, state: _State) -> Iterator[tuple[str, _State]]:
        yield from getattr(self, f"_{state.stage}")(state)

    def _open(self, state: _State) -> Iterator[tuple[str, _State]]:
        openings = captions.OPENINGS if self.long else captions.STILL_OPENINGS if self.still else ("",)
        for phrase in openings:
            yield phrase, replace(state, stage="article")

    def _article(self, state: _State) -> Iterator[tuple[str, _State]]:
        asked = self._asked_thing(state)
        begun = replace(state, things=(*state.things, AskedThing()))
        # A thing that grows or shrinks has no size; any other has one in a long caption.
        steady = asked.motion not in _CHANGES if asked.motion else state.passes or self.asked.passes
        if asked.size is None and not (self.long and steady):
            for article, after in (("a", "unsized"), ("an", "orange")):
                unsized = replace(begun, stage=after)
                if any(self.on(unsized)):
                    yield article, unsized
        for size in _choices(asked.size, () if asked.motion in _CHANGES else SIZES):
            for phrase in captions.SIZE_WORDS[size]:
                yield f"a {phrase}", _said(begun, "sized", size=size)

    def _unsized(self, state: _State) -> Iterator[tuple[str, _State]]:
        yield from ((name, after) for name, after in self._sized(state) if name != "orange")

    def _orange(self, state: _State) -> Iterator[tuple[str, _State]]:
        yield from ((name, after) for name, after in self._sized(state) if name == "orange")

    def _sized(self, state: _State) -> Iterator[tuple[str, _State]]:
        for pattern in _choices(self._asked_thing(state, begun=True).pattern, PATTERNS):
            if pattern == "plain":
                yield from self._colour(_said(state, "colour", pattern=pattern))
            else:
                for phrase in captions.PATTERN_WORDS[pattern]:
                    yield phrase, _said(state, "colour", pattern=pattern)

    def _colour(self, state: _State) -> Iterator[tuple[str, _State]]:
        others = {thing.colour for thing in state.things[:-1]}
        for name in _choices(self._asked_thing(state, begun=True).colour, [c for c in COLOURS if c not in others]):
            yield name, _said(state, "noun", colour=name)

    def _noun(self, state: _State) -> Iterator[tuple[str, _State]]:
        others = {thing.shape for thing in state.things[:-1]}
        shapes = [shape for shape in (HIDING_SHAPES if state.passes else SHAPES) if shape not in others]
        # A thing that is passed stands still, which goes without saying.
        after = "lane" if self.long or self.still or state.passes else "motion"
        for shape in _choices(self._asked_thing(state, begun=True).shape, shapes):
            for noun in dict.fromkeys(captions.NOUNS[shape]):
                yield noun, _said(state, after, shape=shape)

    def _motion(self, state: _State) -> Iterator[tuple[str, _State]]:
        """In a short caption, right after the noun."""
        for motion in self._motions(state, len(state.things) - 1):
            for phrase in {form for forms in captions.MOTION_PHRASES[motion] for form in forms}:
                yield phrase, _said(state, "lane", motion=motion)

    def _lane(self, state: _State) -> Iterator[tuple[str, _State]]:
        """Where a thing is, after which comes another one or the background.

        Of two things, the first is on the left or at the top, or it passes the other; one alone is in no lane, unless
        that was asked for.
        """
        asked = self._asked_thing(state, begun=True).lane
        if len(state.things) == 2:
            lane = "middle" if state.passes else asked or _PAIRS.get(str(state.things[0].lane))
            yield _spoken(lane), _said(state, "where", lane=lane)
            return
        if len(self.asked.things) < 2:
            lane = asked if len(self.asked.things) == 1 else None
            yield _spoken(lane), _said(state, "where", lane=lane or "whole")
        if len(self.asked.things) != 1:
            second = self.asked.things[1].lane if self.asked.things else None
            if not self.asked.passes:
                for lane in _choices(asked, [first for first in _PAIRS if second in (None, _PAIRS[first])]):
                    yield _spoken(lane), _said(state, "another", lane=lane)
            for lane in [] if self.asked.passes == "" else _choices(self.asked.passes, PASSES):
                if self.asked.passes or self._may_pass(state.things[0], lane):
                    between, _ = captions.PASS_PHRASES[lane]
                    yield between, replace(_said(state, "article", lane=lane), passes=True)

    def _may_pass(self, thing: AskedThing, lane: str) -> bool:
        """Whether a thing may be told to move past another; in a long caption, one without a size grows or shrinks."""
        return thing.motion in LANE_MOTIONS[lane] if thing.motion else self.still or thing.size is not None

    def _another(self, state: _State) -> Iterator[tuple[str, _State]]:
        yield "and", replace(state, stage="article")

    def _where(self, state: _State) -> Iterator[tuple[str, _State]]:
        done = replace(state, stage="subject" if self.long else "end" if self.still else "camera")
        for name in self._backgrounds(state):
            for phrase in dict.fromkeys(captions.BACKGROUND_PHRASES[name][0]):
                yield f"{phrase}{'.' if self.long else ''}", replace(done, background=name)
        if self.long:
            yield ".", done

    def _subject(self, state: _State) -> Iterator[tuple[str, _State]]:
        names = ["it"] if len(state.things) == 1 else _names(state.things[state.told])
        for phrase in names:
            yield phrase, replace(state, stage="verb")

    def _verb(self, state: _State) -> Iterator[tuple[str, _State]]:
        told = state.told + 1
        after = replace(state, stage="subject" if told < len(state.things) else "background", told=told)
        thing = state.things[state.told]
        passing = [""]
        if thing.lane in PASSES:
            _, verbs = captions.PASS_PHRASES[thing.lane]
            passing = [f" and {verb} {name}" for verb in verbs for name in _names(state.things[1])]
        for motion in self._motions(state, state.told):
            moved = (*state.things[: state.told], replace(thing, motion=motion), *state.things[told:])
            for _, phrase in captions.MOTION_PHRASES[motion]:
                for passed in passing:
                    yield f"{phrase}{passed}.", replace(after, things=moved)

    def _background(self, state: _State) -> Iterator[tuple[str, _State]]:
        for name in [state.background] if state.background else self._backgrounds(state):
            for phrase in captions.BACKGROUND_PHRASES[name][1]:
                yield f"the background is {phrase}.", replace(state, stage="camera", background=name)

    def _camera(self, state: _State) -> Iterator[tuple[str, _State]]:
        """A move of the camera; or none, after which a long caption may have a closing."""
        done = replace(state, stage="end")
        free = CAMERAS if _camera_may_move(state) else ("fixed",)
        for camera in _choices(self.asked.camera, free):
            if camera == "fixed":
                for closing in ("", *captions.CLOSINGS) if self.long else ("",):
                    yield f"{closing}." if closing else "", done
            else:
                for short, long in captions.CAMERA_PHRASES[camera]:
                    yield f"{long}." if self.long else short, done

    def _asked_thing(self, state: _State, *, begun: bool = False) -> AskedThing:
        number = len(state.things) - begun
        return self.asked.things[number] if number < len(self.asked.things) else AskedThing()

    def _motions(self, state: _State, number: int) -> list[str]:
        thing = state.things[number]
        asked = self.asked.things[number].motion if number < len(self.asked.things) else None
        free = [
            motion
            for motion in LANE_MOTIONS[thing.lane or "whole"]
            if not (thing.size and motion in _CHANGES) and not (self.long and not thing.size and motion not in _CHANGES)
        ]
        return _choices(asked, free)

    def _backgrounds(self, state: _State) -> list[str]:
        hidden = [name for name in BACKGROUNDS if name in {thing.colour for thing in state.things}]
        return _choices(self.asked.background, [name for name in BACKGROUNDS if name not in hidden])


def _choices(asked: str | None, free: object) -> list[str]:
    return [asked] if asked else list(free)  # type: ignore[call-overload]


def _said(state: _State, stage: str, **facts: str | None) -> _State:
    """The state with more said of its last thing."""
    return replace(state, stage=stage, things=(*state.things[:-1], replace(state.things[-1], **facts)))


def _names(thing: AskedThing) -> list[str]:
    return [f"the {thing.colour} {noun}" for noun in dict.fromkeys(captions.NOUNS[str(thing.shape)])]


def _camera_may_move(state: _State) -> bool:
    """As in `nodes.world.scene.camera_may_move`, of what has been said."""
    return (
        state.background in CAMERA_BACKGROUNDS
        and not state.passes
        and all(thing.motion in CAMERA_MOTIONS for thing in state.things)
    )


def _spoken(lane: str | None) -> str:
    return captions.BESIDE.get(lane or "", "")
