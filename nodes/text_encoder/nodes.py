"""From words to conditioning."""

from typing import Annotated

from assets.values import Conditioning, ConditioningSpec, Text, TextEncoder, TextSpec
from nodes.api import node, warn
from nodes.context import Context
from nodes.text_encoder.vocabulary import MAX_TOKENS, tokenise, words


def encode_text_spec(text_encoder: TextEncoder, text: TextSpec) -> ConditioningSpec:
    if text.text is None:
        return ConditioningSpec(text_encoder.dim, text_encoder.encoder)
    tokens = tokenise(text.text)
    if tokens.unknown:
        named = ", ".join(f"“{word}”" for word in tokens.unknown[:8])
        warn(f"The built-in text encoder does not know {named} and leaves it out; try other words.")
    if len(tokens.ids) == MAX_TOKENS:
        warn(f"The text encoder reads {MAX_TOKENS} words at most; what comes after is not read.")
    return ConditioningSpec(text_encoder.dim, text_encoder.encoder, len(tokens.ids))


@node(version=1, category="prompt", spec=encode_text_spec, label="Encode text", keywords=("clip", "t5", "embedding"))
def encode_text(
    text_encoder: Annotated[TextEncoder, "The text encoder that the DiT was trained with."],
    text: Annotated[Text, "What is to be seen, in words."],
    *,
    ctx: Context,
) -> Conditioning:
    """Turn a prompt into the tokens that the DiT attends to."""
    import torch

    model = ctx.model(text_encoder)
    with torch.inference_mode():
        rows, null = model.encode([text.text]).text[0], model.encode([""]).text[0]
    known = words()
    return Conditioning(
        embeds=rows.float().cpu(),
        words=tuple(known[number] for number in tokenise(text.text).ids),
        null=null.float().cpu(),
        encoder=text_encoder.encoder,
    )
