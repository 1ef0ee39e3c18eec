"""The node API: a typed function is the whole declaration of a node.

    def patchify_spec(latent: LatentSpec, patch: int) -> PatchesSpec: ...   # no torch: runs while a wire is dragged

    @node(version=1, category="patches", spec=patchify_spec)
    def patchify(latent: Latent, *, patch: Annotated[int, Range(1, 8), "Patch side in latent cells."] = 2) -> Patches:
        '''Cut a video latent into spacetime patches, one token each.'''

From the signature come ports, widgets, outputs, help, JSON schema and cache key:

- a parameter of a value type is an input port; with `| None = None` it is an optional port;
- a parameter with a default is a widget (which can be promoted to a port), shaped by its annotation;
- a parameter of type `Context`, `Files` or `Workflow` is filled in by whoever runs the node, `Files` in spec functions
  too;
- the return type names the output: `-> Latent` is an output called "latent"; a NamedTuple gives several;
- a plain string inside `Annotated` is the help text of that port or widget.

`spec` maps input specs and widget values (by name, as many as it asks for) to output specs, without data and without
torch, or raises SpecError with a sentence that says what it got, what it needs and what to try.
"""

import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from assets.files import Files
from assets.values import VALUE_TYPES, Value
from assets.values.array import Array
from nodes.context import Context, Workflow

ScalarType = type[int] | type[float] | type[bool] | type[str]
INJECTED = (Context, Files, Workflow)


class SpecError(ValueError):
    """A wire or a widget that cannot work: what was got, what is needed, what to try."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number widget; legal values are lo, lo + step, ... up to hi (a float: any value between).

    free: a whole number between the steps may be typed as well; what fits is for the node to say.
    """

    lo: float
    hi: float
    step: float = 1
    free: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Side(Range):
    """The width or the height of a size in pixels; the page shows the two of a node as one control."""

    of: Literal["width", "height"] = "width"


@dataclass(frozen=True, slots=True)
class Lines:
    """A text widget of several lines."""

    rows: int = 3


@dataclass(frozen=True, slots=True)
class Seed:
    """An integer widget with dice and lock."""


@dataclass(frozen=True, slots=True)
class FileName:
    """A text widget that names a file: to be read (`"open"`) or written (`"save"`), with these endings."""

    mode: Literal["open", "save"]
    endings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Colour:
    """A text widget that holds a colour, as "#rrggbb"."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A text widget that holds a curve from `lo` to `hi`, see `nodes.curve`; empty: `hi` throughout.

    over: what it runs along from 0 to 1, for a label: "time", "steps".
    """

    lo: float
    hi: float
    over: str


Held = Literal[
    "transformer", "vae", "text_encoder", "text_encoder_2", "image_encoder", "lora", "writer", "describer"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelName:
    """A text widget that names a model on disk, of those that hold this: a family's, a file, or a language model.

    optional: the node does without one as well.
    """

    part: Literal["models", "file", "language"]
    holds: Held | None = None
    optional: bool = field(default=False, kw_only=True)


Meta = Range | Lines | Seed | FileName | Colour | Curve | ModelName


@dataclass(frozen=True, slots=True)
class Port:
    """An input by wire. `type` is a value type's name, e.g. "Latent"."""

    name: str
    type: str
    optional: bool
    help: str


@dataclass(frozen=True, slots=True)
class Widget:
    """An input by hand. `type` is "int", "float", "bool" or "str"; `choices` is set for a Literal."""

    name: str
    type: str
    default: int | float | bool | str
    choices: tuple[Any, ...]
    meta: Meta | None
    help: str


@dataclass(frozen=True, slots=True)
class Output:
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class GoesOn:
    """For a node whose results with two values of a widget begin alike: one goes on from where the other is.

    widget: an int, says only how far to go; 0: to the end. steps: reads what `Context.kept` gives off the outputs (by
    name) of a result.
    """

    widget: str
    steps: Callable[[Mapping[str, Value]], list[dict[str, Array]]]


@dataclass(frozen=True, slots=True)
class Node:
    """Everything that the rest of the system knows of a node; read from its function by `node`."""

    type: str
    version: int
    category: str
    label: str
    help: str
    inputs: dict[str, Port]
    widgets: dict[str, Widget]
    outputs: dict[str, Output]
    fn: Callable[..., Any]
    spec: Callable[..., Any]
    content: Callable[..., str] | None
    keywords: tuple[str, ...]
    named_tuple: bool = field(default=False)
    goes_on: GoesOn | None = None
    together: "Together | None" = None
    at_once: Callable[..., Any] | None = None

    def output_specs(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run the spec function on `arguments` (specs of wired ports, widget values, injected Files)."""
        wanted = _parameters(self.spec)
        made = self.spec(**{name: value for name, value in arguments.items() if name in wanted})
        return self.by_output(made)

    def by_output(self, made: Any) -> dict[str, Any]:
        """What a node or spec function returned, by output name."""
        if len(self.outputs) == 1 and not self.named_tuple:
            return {next(iter(self.outputs)): made}
        return dict(zip(self.outputs, made, strict=True))


class Seat(Protocol):
    """A node's place among those that compute together.

    others_seconds: that it waited for the others and for their part of the work. shared: whether any was done together.
    """

    others_seconds: float
    shared: bool

    def at(self, module: Any) -> Any:
        """What the node is to take for the model's module."""

    def leave(self) -> None:
        """The node has ended, however it did; no harm if it has left before."""


class Meeting(Protocol):
    """Where nodes that share a model meet, each in a thread of its own."""

    def seat(self) -> Seat:
        """A place for one more."""


@dataclass(frozen=True, slots=True)
class Together:
    """For a node of which several that are under way may do their work through a model as one.

    model: name of the port of the model. pays: whether that is faster, of the torch device, the specs of the inputs as
    far as they are known, and the widgets that are not wired. meeting: where they meet.
    """

    model: str
    pays: Callable[[str, Mapping[str, Any], Mapping[str, Any]], bool]
    meeting: Callable[[], Meeting]


REGISTRY: dict[str, Node] = {}


def node(
    *,
    version: int,
    category: str,
    spec: Callable[..., Any],
    label: str = "",
    content: Callable[..., str] | None = None,
    keywords: tuple[str, ...] = (),
    goes_on: GoesOn | None = None,
    together: Together | None = None,
    at_once: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a node; its name is the node's type.

    version: raise it whenever the node computes something else (a lock file of fingerprints holds you to it).
    content: for a node that reads what may change outside the graph: same named arguments as a spec function, returns
        what stands for that content (a digest), which enters the cache key.
    goes_on: where a widget says only how far to go.
    together: where several may compute as one.
    at_once: for a node that works on its input part by part: same named arguments as a spec function, returns the spec
        of the largest part, which its memory goes by.
    """

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        declared = read_declaration(fn, version, category, spec, label, content, keywords)
        declared = replace(declared, goes_on=goes_on, together=together, at_once=at_once)
        if declared.type in REGISTRY and REGISTRY[declared.type].fn.__module__ != fn.__module__:
            raise TypeError(f"two nodes are called {declared.type!r}: in {fn.__module__} and another module")
        REGISTRY[declared.type] = declared
        return fn

    return register


_warnings: ContextVar[list[str] | None] = ContextVar("spec warnings", default=None)


def warn(sentence: str) -> None:
    """Called in a spec function: say something that the artist should know but that stops nothing."""
    collected = _warnings.get()
    if collected is not None:
        collected.append(sentence)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """The sentences that spec functions give to `warn` inside the block."""
    collected: list[str] = []
    token = _warnings.set(collected)
    try:
        yield collected
    finally:
        _warnings.reset(token)


def read_declaration(
    fn: Callable[..., Any],
    version: int,
    category: str,
    spec: Callable[..., Any],
    label: str,
    content: Callable[..., str] | None,
    keywords: tuple[str, ...],
) -> Node:
    """Read ports, widgets and outputs off a signature; TypeError says what is missing from it."""
    hints = get_type_hints(fn, include_extras=True)
    name = fn.__name__
    inputs: dict[str, Port] = {}
    widgets: dict[str, Widget] = {}
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.name not in hints:
            raise TypeError(f"node {name}: parameter {parameter.name!r} has no type")
        kind, metas, help_text = _unwrap(hints[parameter.name])
        if kind in INJECTED:
            continue
        bare, optional = _without_none(kind)
        if getattr(bare, "__name__", "") in VALUE_TYPES:
            inputs[parameter.name] = Port(parameter.name, bare.__name__, optional, help_text)
        elif parameter.default is parameter.empty:
            raise TypeError(f"node {name}: widget {parameter.name!r} needs a default")
        else:
            widgets[parameter.name] = _widget(name, parameter.name, kind, parameter.default, metas, help_text)
    if "return" not in hints:
        raise TypeError(f"node {name}: the return type names its output; it has none")
    outputs, named_tuple = _outputs(hints["return"])
    return Node(
        type=name,
        version=version,
        category=category,
        label=label or name.replace("_", " ").capitalize(),
        help=inspect.getdoc(fn) or "",
        inputs=inputs,
        widgets=widgets,
        outputs=outputs,
        fn=fn,
        spec=spec,
        content=content,
        keywords=keywords,
        named_tuple=named_tuple,
    )


@cache
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _unwrap(hint: Any) -> tuple[Any, list[Meta], str]:
    if get_origin(hint) is not Annotated:
        return hint, [], ""
    kind, *extras = get_args(hint)
    metas = [extra for extra in extras if isinstance(extra, Meta)]
    return kind, metas, " ".join(extra for extra in extras if isinstance(extra, str))


def _without_none(kind: Any) -> tuple[Any, bool]:
    if get_origin(kind) in (Union, types.UnionType):
        rest = [member for member in get_args(kind) if member is not type(None)]
        if len(rest) == 1:
            return rest[0], True
    return kind, False


def _widget(node_name: str, name: str, kind: Any, default: Any, metas: list[Meta], help_text: str) -> Widget:
    choices: tuple[Any, ...] = ()
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        kind = type(choices[0])
    if kind not in (int, float, bool, str):
        raise TypeError(f"node {node_name}: {name!r} is {kind}; a widget is int, float, bool, str or a Literal")
    return Widget(name, kind.__name__, default, choices, metas[0] if metas else None, help_text)


def _outputs(returned: Any) -> tuple[dict[str, Output], bool]:
    if hasattr(returned, "_fields"):
        hints = get_type_hints(returned)
        return {name: Output(name, hints[name].__name__) for name in returned._fields}, True
    if returned.__name__ not in VALUE_TYPES:
        raise TypeError(f"{returned} is no value type; a node returns one of {', '.join(VALUE_TYPES)}")
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", returned.__name__).lower()
    return {name: Output(name, returned.__name__)}, False
