"""What the page draws by itself of patches and of a conditioning."""

import numpy as np
import pytest

from assets.values import Conditioning, Patches, Text
from nodes.preview.figures import figures

SPACE = "patchloom-v2"


def packed(noise: list[float]) -> Patches:
    """Two clips in one sequence: 4 tokens and 2."""
    return Patches(
        np.zeros((6, 32), np.float32), np.array(noise, np.float32), ((1, 2, 2), (2, 1, 1)), (1, 2, 2), SPACE, 8.0
    )


def test_each_clip_of_a_packed_sequence_has_the_noise_levels_of_its_own_patches() -> None:
    found = figures(packed([0, 1, 0.3, 1, 1, 1]))
    assert found["tokens"] == 6
    assert found["clips"] == [{"grid": (1, 2, 2), "noise": [0, 1, 0.3, 1]}, {"grid": (2, 1, 1), "noise": [1]}]


def test_tokens_have_their_length_and_their_share_of_attention_where_that_is_known() -> None:
    rows, null = np.array([[3, 4], [0, 2]], np.float32), np.zeros((1, 2), np.float32)
    found = figures(Conditioning(rows, ("red", "ball"), null, "t5", {"pooled": np.zeros(7, np.float32)}))
    assert found["lengths"] == [5, 2]
    assert found["shares"] == ()
    assert found["extras"] == [("pooled", [7])]
    assert figures(Conditioning(rows, ("red", "ball"), null, "t5", attention=(0.25, 0.75)))["shares"] == (0.25, 0.75)


def test_what_has_no_figures_says_so() -> None:
    with pytest.raises(ValueError, match="a Text has no figures"):
        figures(Text("red"))
