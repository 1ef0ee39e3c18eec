"""From words to conditioning."""

from typing import Annotated

from assets.values import Conditioning, ConditioningSpec, Text, TextEncoder, TextSpec
from nodes.api import node, warn
from nodes.context import Context
from nodes.models.handles import FAMILY
from nodes.text_encoder.vocabulary import MAX_TOKENS, tokenise


def encode_text_spec(text_encoder: TextEncoder, text: TextSpec) -> ConditioningSpec:
    if text.text is None or text_encoder.family != FAMILY:
        return ConditioningSpec(text_encoder.dim, text_encoder.encoder, images=0)
    tokens = tokenise(text.text)
    if tokens.unknown:
        named = ", ".join(f"“{word}”" for word in tokens.unknown[:8])
        warn(f"The built-in text encoder does not know {named} and leaves it out; try other words.")
    if len(tokens.ids) == MAX_TOKENS:
        warn(f"The text encoder reads {MAX_TOKENS} words at most; what comes after is not read.")
    return ConditioningSpec(text_encoder.dim, text_encoder.encoder, len(tokens.ids), images=0)


@node(version=2, category="prompt", spec=encode_text_spec, label="Encode text", keywords=("clip", "t5", "embedding"))
def encode_text(
    text_encoder: Annotated[TextEncoder, "The text encoder that the DiT was trained with."],
    text: Annotated[Text, "What is to be seen, in words."],
    *,
    ctx: Context,
) -> Conditioning:
    """Turn a prompt into the tokens that the DiT attends to."""
    conditioning: Conditioning = ctx.model(text_encoder).read(text.text)
    return conditioning
