"""Conditioning: what a text encoder makes of a prompt."""

from dataclasses import dataclass, field

from assets.values.array import Array, Arrays, expect_shape


@dataclass(frozen=True, slots=True)
class ConditioningSpec:
    """`tokens` is None where the text is not known before the run.

    images: how many pictures it tells of beside the text; None where it is not said, as of a value.
    """

    dim: int
    encoder: str
    tokens: int | None = None
    images: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"conditioning {'?' if self.tokens is None else self.tokens}x{self.dim} ({self.encoder})"


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """Encoded text.

    embeds: float32 (m, d), one row a token. words: what each row stands for, as shown to people.
    null: float32 (k, d), the empty text by the same encoder: the unconditional branch of guidance.
    encoder: name of the text encoder that made it.
    extras: what else a family's DiT is told, by name, as what a second text encoder or an image encoder made;
        `null_extras` goes with `null`.
    attention: how much of the encoder's own attention each row has, as shares; empty where the encoder does not say.
    """

    embeds: Array
    words: tuple[str, ...]
    null: Array
    encoder: str
    extras: Arrays = field(default_factory=dict)
    null_extras: Arrays = field(default_factory=dict)
    attention: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        expect_shape("Conditioning.embeds", self.embeds, "m d")
        expect_shape("Conditioning.null", self.null, "k d")
        object.__setattr__(self, "words", tuple(self.words))
        if len(self.words) != self.embeds.shape[0]:
            raise ValueError(f"Conditioning got {self.embeds.shape[0]} rows for {len(self.words)} words; one each")
        if len(self.attention) not in (0, len(self.words)):
            raise ValueError(
                f"Conditioning got {len(self.attention)} shares of attention for {len(self.words)} words; one each"
            )

    @property
    def spec(self) -> ConditioningSpec:
        return ConditioningSpec(self.embeds.shape[1], self.encoder, self.embeds.shape[0])
