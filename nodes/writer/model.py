"""A transformer that writes by reading a memory: of a latent (captioner) or of a prompt (expander)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from nodes.writer import words
from nodes.writer.grammar import Cursor

HEAD_WIDTH = 24


class Writer(nn.Module):
    """Scores of the next word after each of the words so far, given a memory."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words.size(), width)
        self.places = nn.Parameter(torch.randn(words.MAX_WORDS, width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, writes=True) for _ in range(layers))
        nn.init.normal_(self.embed.weight, std=0.3)

    def forward(self, written: Tensor, memory: Tensor, blank: Tensor | None = None) -> Tensor:
        """written (b l) numbers, memory (b n d), blank (b n): True where the memory is padding. Scores (b l words)."""
        x = self.embed(written) + self.places[: written.shape[1]]
        for layer in self.layers:
            x = layer(x, memory=memory, blank=blank)
        scores: Tensor = normed(x) @ self.embed.weight.T * x.shape[-1] ** -0.5
        return scores

    def loss(self, texts: list[list[int]], memory: Tensor, blank: Tensor | None = None) -> Tensor:
        """Mean cross entropy of the texts, one of each row of the memory."""
        rows = padded(texts).to(memory.device)
        scores = self(rows[:, :-1], memory, blank).float()
        return F.cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten(), ignore_index=words.PADDING)

    @torch.no_grad()
    def write(
        self,
        memory: Tensor,
        detail: words.Detail,
        cursors: list[Cursor],
        *,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        blank: Tensor | None = None,
    ) -> list[str]:
        """A caption for each row of the memory (b n d), within what its cursor allows.

        Of the words allowed, the likeliest one; or one drawn, where there is temperature.
        """
        rows = torch.full((memory.shape[0], 1), words.BEGIN[detail], device=memory.device)
        for _ in range(words.MAX_WORDS - 1):
            scores = self(rows, memory, blank)[:, -1].float().cpu()
            scores = scores + torch.stack([_barred(cursor) for cursor in cursors])
            if temperature:
                chosen = torch.multinomial((scores / temperature).softmax(-1), 1, generator=generator)
            else:
                chosen = scores.argmax(-1, keepdim=True)
            for cursor, number in zip(cursors, chosen.flatten().tolist(), strict=True):
                if number >= words.MARKS:
                    cursor.advance(words.vocabulary()[number - words.MARKS])
            rows = torch.cat([rows, chosen.to(rows)], dim=1)
            if (rows == words.END).any(dim=1).all():
                break
        return [words.sentence(row) for row in rows.tolist()]


class Layer(nn.Module):
    """Self-attention, causal if it writes; attention to the memory, if it writes; and a perceptron."""

    def __init__(self, width: int, *, writes: bool) -> None:
        super().__init__()
        self.look = Attention(width)
        self.read = Attention(width) if writes else None
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, *, memory: Tensor | None = None, blank: Tensor | None = None) -> Tensor:
        """x (b l d). `blank` (b n) marks padding: of the memory where there is one, else of x."""
        now = normed(x)
        x = x + self.look(now, now, causal=self.read is not None, blank=None if self.read else blank)
        if self.read:
            assert memory is not None
            x = x + self.read(normed(x), memory, blank=blank)
        thought: Tensor = self.think(normed(x))
        return x + thought


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.leave = nn.Linear(width, width)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, source: Tensor, *, causal: bool = False, blank: Tensor | None = None) -> Tensor:
        key, value = self.key_value(source).chunk(2, dim=-1)
        query, key, value = (
            rearrange(part, "b l (h d) -> b h l d", d=HEAD_WIDTH) for part in (self.query(x), key, value)
        )
        mask = None if blank is None else rearrange(~blank, "b n -> b 1 1 n")
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        left: Tensor = self.leave(rearrange(mixed, "b h l d -> b l (h d)"))
        return left


def _barred(cursor: Cursor) -> Tensor:
    """0 for the words that may come next, minus infinity for the others: (words,). After the end, the end again."""
    barred = torch.full((words.size(),), -torch.inf)
    barred[[words.number(word) for word in cursor.words()]] = 0
    if cursor.ended():
        barred[words.END] = 0
    return barred


def normed(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


def padded(rows: list[list[int]]) -> Tensor:
    """Rows of unlike lengths as one tensor (b l), filled up with PADDING."""
    tensors = [torch.tensor(row) for row in rows]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=words.PADDING)
