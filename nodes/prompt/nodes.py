"""Prompts by hand, by template, and made longer by a model."""

from typing import Annotated, Literal

from assets.values import Expander, Text, TextSpec
from nodes.api import Lines, Range, Seed, SpecError, node
from nodes.context import Context
from nodes.prompt.template import combinations, drawn, fill


def prompt_spec(text: str) -> TextSpec:
    return TextSpec(text)


@node(version=1, category="prompt", spec=prompt_spec, keywords=("text", "positive", "negative"))
def prompt(
    *,
    text: Annotated[str, Lines(4), "What is to be seen: things, colours, motion, place."] = (
        "a red ball bouncing over a green meadow"
    ),
) -> Text:
    """A prompt, written by hand."""
    return Text(text)


def prompt_template_spec(
    template: str, subject: str, clothing: str, action: str, place: str, choose: str, index: int, seed: int
) -> TextSpec:
    slots = {"subject": subject, "clothing": clothing, "action": action, "place": place}
    count = combinations(template, slots)
    return TextSpec(fill(template, slots, index if choose == "by number" else drawn(seed, count)))


@node(
    version=1,
    category="prompt",
    spec=prompt_template_spec,
    keywords=("random", "wildcard", "alternatives", "slots", "variations"),
)
def prompt_template(
    *,
    template: Annotated[
        str, Lines(3), "The sentence, with the slots {subject}, {clothing}, {action} and {place} where they belong."
    ] = "a {subject} {action} {place}",
    subject: Annotated[str, Lines(3), "Alternatives for {subject}, one a line."] = "red ball\nblue star\nwhite heart",
    clothing: Annotated[str, Lines(3), "Alternatives for {clothing}, one a line."] = "",
    action: Annotated[str, Lines(3), "Alternatives for {action}, one a line."] = "bouncing\nmoving to the right",
    place: Annotated[str, Lines(3), "Alternatives for {place}, one a line."] = "over a green meadow\nat sunset",
    choose: Annotated[
        Literal["by seed", "by number"], "Draw a combination by the seed, or step through all of them by number."
    ] = "by seed",
    index: Annotated[
        int, Range(0, 1_000_000), "Combination number, from 0; after the last it begins again. Used by number."
    ] = 0,
    seed: Annotated[int, Seed(), "The same seed draws the same combination. Used by seed."] = 0,
) -> Text:
    """One combination of a sentence with slots and the alternatives for each slot."""
    made = prompt_template_spec(template, subject, clothing, action, place, choose, index, seed)
    return Text(made.text or "")


def expand_prompt_spec(expander: Expander, text: TextSpec) -> TextSpec:
    if text.text is not None and not text.text.strip():
        raise SpecError("The text is empty; an expander needs at least a thing to describe. Write a prompt.")
    return TextSpec(None)


@node(version=2, category="prompt", spec=expand_prompt_spec, keywords=("upsample", "describe", "longer", "rewrite"))
def expand_prompt(
    expander: Annotated[Expander, "The model that writes."],
    text: Annotated[Text, "A short prompt."],
    *,
    ctx: Context,
    seed: Annotated[int, Seed(), "Another seed words it in another way."] = 0,
) -> Text:
    """Make a short prompt into a descriptive one, of the kind that the DiT was trained on; nothing in it is lost."""
    return Text(ctx.model(expander).expand(text.text, seed))
