"""Wan: an interrupted run goes on, and a branch joins the way, to the same bits."""

import pytest
import tiny_wan
import torch
from bench import Bench
from parity import PROMPT
from test_wan_images import canvas, picture

from assets.values import Conditioning, DiT, Patches, Text
from nodes.context import Cancelled
from nodes.dit.nodes import Sampled, branch, sample
from nodes.families.images import encode_image
from nodes.families.registry import components, image_encoder
from nodes.patches.nodes import noise_patches
from nodes.text_encoder.nodes import encode_text

Asked = tuple[DiT, Patches, Conditioning]
KINDS = ("text to video", "image to video", "levels a token")


@pytest.fixture(scope="module", params=KINDS)
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder, bench = tmp_path_factory.mktemp("models") / "wan", Bench()
    match request.param:
        case "text to video":
            models = components(tiny_wan.write_text_to_video(folder))
            empty = noise_patches(models.dit, models.vae, frames=9, height=32, width=48)
            return models.dit, empty, encode_text(models.text_encoder, Text(PROMPT), ctx=bench)
        case "image to video":
            models, first = components(tiny_wan.write_image_to_video(folder)), picture(1)
            text = encode_text(models.text_encoder, Text(PROMPT), ctx=bench)
            shown = encode_image(image_encoder(folder), text, first, ctx=bench)
            return models.dit, canvas(folder, first), shown
        case _:
            models, first = components(tiny_wan.write_5b(folder, image=True)), picture(1, LARGE)
            return models.dit, canvas(folder, first), encode_text(models.text_encoder, Text(PROMPT), ctx=bench)


LARGE = {"frames": 9, "height": 64, "width": 96}


def run(asked: Asked, bench: Bench) -> Sampled:
    return sample(*asked, ctx=bench, steps=5, guidance=5.0, sampler="unipc", shift=0)


def test_a_cancelled_run_goes_on_to_the_same_bits(asked: Asked) -> None:
    whole, broken = run(asked, Bench()), Bench(stop_at=3)
    with pytest.raises(Cancelled):
        run(asked, broken)
    assert len(broken.steps_kept) == 3
    rest = Bench(kept_before=broken.steps_kept)
    assert torch.equal(torch.as_tensor(run(asked, rest).patches.tokens), torch.as_tensor(whole.patches.tokens))
    assert len(rest.steps_kept) == 2


def test_a_branch_with_nothing_changed_ends_in_the_same_bits(asked: Asked) -> None:
    whole, (dit, _, conditioning) = run(asked, Bench()), asked
    again = branch(dit, whole.trajectory, conditioning, ctx=Bench(), step=2, guidance=5.0)
    assert torch.equal(torch.as_tensor(again.patches.tokens), torch.as_tensor(whole.patches.tokens))
    other = branch(dit, whole.trajectory, conditioning, ctx=Bench(), step=2, guidance=1.0)
    assert not torch.equal(torch.as_tensor(other.patches.tokens), torch.as_tensor(whole.patches.tokens))
