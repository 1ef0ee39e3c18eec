"""Text: a prompt, a caption, a template."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextSpec:
    """What is known of a text before a run: the text itself where no model makes it, else None."""

    text: str | None = None

    def __str__(self) -> str:
        return "text" if self.text is None else f"text, {len(self.text.split())} words"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in any language, of any length."""

    text: str

    @property
    def spec(self) -> TextSpec:
        return TextSpec(self.text)
