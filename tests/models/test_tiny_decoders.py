"""Tiny decoders from files: they make what their makers publish, and draw latents where they are at hand."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_cogvideox
import tiny_decoders
import tiny_hunyuan
import tiny_hunyuan_i2v
import tiny_ltx
import tiny_mochi
import tiny_wan
import torch
from bench import Bench
from einops import rearrange

import app.settings
from app.api.views import Views
from assets.files import Files
from assets.store import Store
from assets.values import Latent, Patches
from assets.weight_files import WeightsRefused
from nodes.families.formats.handles import vae_of
from nodes.families.registry import components
from nodes.families.shelf import shelve
from nodes.families.tiny.files import tiny_file
from nodes.preview import views
from nodes.preview.colours import colours
from nodes.preview.drawing import draw, drawn_by
from nodes.preview.learned import colour_maps
from nodes.preview.left import Pictures
from nodes.preview.left import pictures as left
from nodes.preview.tiny import TinyDecoders
from nodes.preview.tiny import tiny_decoders as found_here
from nodes.video_vae.nodes import decode_latent, encode_video
from pipelines.executors.local import LocalExecutor
from pipelines.executors.run_context import RunContext

from test_memory_plan import MODEL, text_to_video  # isort: skip

pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast")


def of_16(write: Callable[[Path], Any]) -> Callable[[Path], None]:
    """A folder of as many latent channels as the real model's: nothing but its settings is read here."""

    def written(folder: Path) -> None:
        write(folder)
        said = folder / "vae/config.json"
        said.write_text(json.dumps(json.loads(said.read_text()) | {"latent_channels": 16}))

    return written


FOLDERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "wan": ("taew2_1", tiny_wan.write_text_to_video),
    "wan by lightx2v": ("lighttaew2_1", tiny_wan.write_text_to_video),
    "wan 5B": ("taew2_2", tiny_wan.write_5b),
    "wan 5B, larger": ("taew2_2_super", tiny_wan.write_5b),
    "cogvideox 2B": ("taecvx", of_16(lambda path: tiny_cogvideox.write(path, "2b"))),
    "cogvideox 5B": ("taecvx", of_16(lambda path: tiny_cogvideox.write(path, "5b"))),
    "hunyuan": ("taehv", of_16(tiny_hunyuan.write)),
    "hunyuan led": ("taehv", of_16(lambda path: tiny_hunyuan_i2v.write(path, "latent_concat"))),
    "mochi": ("taem1", tiny_mochi.write),
}


@pytest.fixture(params=FOLDERS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Any]:
    """The name of a tiny decoder, and the parts of the model that it is for."""
    name, write = FOLDERS[request.param]
    write(tmp_path / "model")
    return name, components(tmp_path / "model")


@pytest.fixture
def decoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyDecoders:
    """Those below a models folder, drawing."""
    made = TinyDecoders()
    made.look_in(lambda: (tmp_path / "models",), "cpu")
    monkeypatch.setattr("nodes.preview.drawing.tiny_decoders", made)
    return made


def some_latent(vae: Any, rows: int = 3) -> Latent:
    random = torch.Generator().manual_seed(1)
    return Latent(torch.randn(vae.channels, vae.lead + rows, 4, 6, generator=random), vae.space, 8.0)


def scale(space: str) -> float:
    return float(space.rpartition("-")[2]) if space.startswith("cogvideox") else 1.0


def test_it_decodes_and_encodes_as_its_makers_publish(model: tuple[str, Any], tmp_path: Path) -> None:
    name, parts = model
    path = tiny_decoders.write(tmp_path / "vae_approx", name)
    kind, state = tiny_decoders.KINDS[name], tiny_decoders.state(**tiny_decoders.KINDS[name])
    patch, handle = kind.get("patch", 1), vae_of(path, parts.dit)
    assert (handle.space, handle.channels, handle.stride) == (parts.vae.space, parts.vae.channels, parts.vae.stride)

    latent = some_latent(handle)
    cells = rearrange(torch.as_tensor(latent.data), "z t h w -> t z h w") / scale(handle.space)
    before = handle.stride[0] * (handle.lead + 1) - 1
    truth = rearrange(tiny_decoders.decoded(state, cells, patch)[before:], "t c h w -> t h w c")
    clip = decode_latent(handle, latent, ctx=Bench())
    assert len(clip.frames) == 1 + 2 * handle.stride[0]
    np.testing.assert_allclose(clip.frames, truth * 255, atol=0.501)
    assert clip.frames.std() > 5

    again = encode_video(handle, clip, ctx=Bench())
    frames = rearrange(torch.as_tensor(clip.frames).float() / 255, "t h w c -> t c h w")
    whole = torch.cat([frames, frames[-1:].expand(handle.stride[0] - 1, -1, -1, -1)])
    coded = tiny_decoders.encoded(state, whole, patch) * scale(handle.space)
    coded = torch.cat([*[coded[:1]] * handle.lead, coded])
    torch.testing.assert_close(again.data, rearrange(coded, "t z h w -> z t h w"), atol=1e-5, rtol=1e-5)


def test_a_latent_is_drawn_by_the_one_for_its_space(
    model: tuple[str, Any], decoders: TinyDecoders, tmp_path: Path
) -> None:
    name, parts = model
    latent = some_latent(parts.vae)
    by_map, keys = colours(latent), drawn_by()
    other = "taew2_1" if "taew2_2" in name else "taew2_2"
    tiny_decoders.write(tmp_path / "models/vae_approx", other)
    np.testing.assert_array_equal(colours(latent), by_map)

    tiny_decoders.write(tmp_path / "models/vae_approx", name)
    state = tiny_decoders.state(**tiny_decoders.KINDS[name])
    for layer in (7, 14, 21) if "super" in name else (7, 13, 19):
        weight = state[f"decoder.{layer}.conv.weight"]  # of the frames that it makes of one, the last alone
        state[f"decoder.{layer}.conv.weight"] = weight[-weight.shape[1] :]
    cells = rearrange(torch.as_tensor(latent.data), "z t h w -> t z h w") / scale(latent.space)
    truth = tiny_decoders.decoded(state, cells, tiny_decoders.KINDS[name].get("patch", 1))
    drawn = draw(np.asarray(latent.data).transpose(1, 2, 3, 0), latent.space)
    np.testing.assert_allclose(drawn, rearrange(truth * 2 - 1, "t c h w -> t h w c"), atol=1e-5)
    assert colours(latent).shape == (latent.spec.frames, *(drawn.shape[1:] if drawn is not None else ()))
    assert drawn_by() != keys


def test_a_process_without_a_device_never_draws_by_one(decoders: TinyDecoders, tmp_path: Path) -> None:
    tiny_decoders.write(tmp_path / "models", "taew2_1")
    decoders.look_in(lambda: (tmp_path / "models",))
    assert decoders.of("wan-16")
    assert decoders.draw(np.zeros((1, 4, 4, 16), np.float32), "wan-16") is None


def test_half_precision_files_are_read(tmp_path: Path) -> None:
    tiny = tiny_file(tiny_decoders.write(tmp_path, "taew2_1", torch.float16))
    assert tiny
    decoders = TinyDecoders()
    decoders.look_in(lambda: (tmp_path,), "cpu")
    assert np.isfinite(decoders.draw(np.ones((2, 4, 4, 16), np.float32), "wan-16")).all()


@pytest.mark.parametrize("name", tiny_decoders.OF_OTHER_MODELS)
def test_one_of_another_model_draws_nothing(name: str, decoders: TinyDecoders, tmp_path: Path) -> None:
    path = tiny_decoders.write(tmp_path / "models", name)
    spaces = ("wan-16", "wan-48", "hunyuan-16", "cogvideox-0.7", "mochi-12", "ltx-128", "ltx-128-0.9.5")
    assert [space for space in spaces if decoders.of(space)] == []
    with pytest.raises(WeightsRefused, match="needs the DiT"):
        vae_of(path)


def test_where_shapes_are_alike_the_name_tells_or_the_dit(tmp_path: Path) -> None:
    named = tiny_decoders.write(tmp_path, "taew2_1")
    renamed = tmp_path / "preview.safetensors"
    shutil.copy(named, renamed)
    assert vae_of(named).space == "wan-16"
    with pytest.raises(WeightsRefused, match="needs the DiT"):
        vae_of(renamed)
    FOLDERS["hunyuan"][1](tmp_path / "hunyuan")
    dit = components(tmp_path / "hunyuan").dit
    assert vae_of(renamed, dit).space == dit.space
    with pytest.raises(WeightsRefused, match=r"for Wan 2\.1.*this DiT works on 'hunyuan-16'"):
        vae_of(named, dit)
    ltx = components(tiny_ltx.write(tmp_path / "ltx")).dit
    with pytest.raises(WeightsRefused, match="16 channels"):
        vae_of(renamed, ltx)


def test_two_scales_of_one_file_are_two_models(tmp_path: Path) -> None:
    path = tiny_decoders.write(tmp_path, "taecvx")
    for size in ("2B", "5B"):
        FOLDERS[f"cogvideox {size}"][1](tmp_path / size)
    one, other = (vae_of(path, components(tmp_path / size).dit) for size in ("2B", "5B"))
    assert one.digest != other.digest
    with pytest.raises(WeightsRefused, match="needs the DiT"):
        vae_of(path)


@pytest.mark.parametrize("layer", ["decoder.13.conv.weight", "decoder.4.conv.2.weight"])
def test_a_damaged_one_is_refused_and_stops_no_drawing(layer: str, decoders: TinyDecoders, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    (tmp_path / "models").mkdir()
    path = tmp_path / "models/taew2_1.safetensors"
    state = tiny_decoders.state(**tiny_decoders.KINDS["taew2_1"])
    save_file({name: tensor for name, tensor in state.items() if name != layer}, path)
    latent = Latent(np.ones((16, 2, 4, 4), np.float32), "wan-16", 8.0)
    assert colours(latent).shape == (2, 4, 4, 3)
    with pytest.raises(WeightsRefused, match=r"taew2_1\.safetensors"):
        decode_latent(vae_of(path), latent, ctx=Bench())


def test_the_library_says_what_it_draws(tmp_path: Path) -> None:
    for name in ("taew2_1", "taem1", "taehv1_5", "taeos1_3"):
        tiny_decoders.write(tmp_path / "vae_approx", name)
    said = {one.name: one for one in shelve((tmp_path,))}
    assert said["vae_approx/taew2_1.safetensors"].family.startswith("Wan 2.1")
    assert said["vae_approx/taem1.safetensors"].does == ("previews", "quick decoding")
    assert said["vae_approx/taehv1_5.safetensors"].problem.endswith("for a model that is not known here")
    assert said["vae_approx/taeos1_3.safetensors"].problem.endswith("which it is: taew2_1, taehv, taecvx")


def test_nothing_is_learned_of_its_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colour_maps, "_folder", tmp_path / "colours")
    vae = vae_of(tiny_decoders.write(tmp_path, "taew2_1"))
    latent = replace(some_latent(vae), data=torch.randn(16, 3, 12, 12))
    colour_maps.learn(vae, latent, decode_latent(vae, latent, ctx=Bench()))
    assert colour_maps.of(vae.space) is None


def test_a_step_of_sampling_is_shown_by_one(decoders: TinyDecoders, tmp_path: Path) -> None:
    def shown() -> bytes:
        said: list[bytes] = []
        context = RunContext("cpu", None, None, bool, lambda what, details, data: said.append(data))  # type: ignore[arg-type]
        context.preview(Latent(np.ones((16, 2, 4, 4), np.float32), "wan-16", 8.0))
        return said[0]

    before = shown()
    tiny_decoders.write(tmp_path / "models", "lighttaew2_1")
    assert shown() != before


def test_what_was_drawn_last_is_not_drawn_again(
    decoders: TinyDecoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_decoders.write(tmp_path / "models", "taew2_1")
    cells = np.random.default_rng(0).normal(size=(2, 4, 4, 16)).astype(np.float32)
    first = decoders.draw(cells, "wan-16")
    other = decoders.draw(cells + 1, "wan-16")
    monkeypatch.setattr(TinyDecoders, "_made", lambda *more: None)
    np.testing.assert_array_equal(decoders.draw(cells + 1, "wan-16"), other)
    assert decoders.draw(cells, "wan-16") is None
    assert first is not None


@pytest.fixture
def undone() -> Iterator[None]:
    """An executor tells this process where things lie."""
    yield
    found_here.look_in(tuple)
    left._folder = None


@pytest.mark.usefixtures("undone")
def test_what_came_of_a_run_is_shown_by_one_though_the_server_has_no_torch(tmp_path: Path) -> None:
    models, store = tmp_path / "models", Store(tmp_path / "store")
    tiny_wan.write_text_to_video(models / MODEL)
    tiny_decoders.write(models / "vae_approx", "taew2_1")
    executor = LocalExecutor(store, Files((), tmp_path / "outputs", (models,)))
    made: dict[str, dict[str, str]] = {}

    def listen(event: Any) -> None:
        if event.kind == "done":
            made[event.node] = event.outputs

    executor.subscribe(listen)
    try:
        assert executor.wait(executor.submit(text_to_video("automatic"))).failed == {}
    finally:
        executor.close()
    patches = next(digest for outputs in made.values() for digest in outputs.values() if is_patches(store, digest))
    value = store.get(patches)
    decoders = TinyDecoders()
    decoders.look_in(lambda: (models,), "cpu")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("nodes.preview.drawing.tiny_decoders", decoders)
        truth = views.view(value)
    assert truth.data != views.view(value).data, "else this process draws by the tiny decoder too"
    assert Views(store, app.settings.load(tmp_path / "home")).rendered(patches).path.read_bytes() == truth.data
    assert left.take(patches) is None, "what was shown is kept no longer"
    again = next(digest for outputs in made.values() for digest in outputs.values() if is_latent(store, digest))
    drawn = left.take(again)
    assert drawn is not None, "a latent is drawn by it after nodes that need no model, too"
    assert drawn.data != views.view(store.get(again)).data
    store.close()


def is_latent(store: Store, digest: str) -> bool:
    return isinstance(store.get(digest), Latent)


def is_patches(store: Store, digest: str) -> bool:
    return isinstance(store.get(digest), Patches) and left._folder is not None and (left._folder / digest).exists()


def test_what_is_left_is_taken_once_and_damage_is_passed_over(tmp_path: Path) -> None:
    pictures, view = Pictures(), views.View("image/png", b"\n\x00\xff", "a latent")
    pictures.leave("digest", view)
    assert pictures.take("digest") is None
    pictures.keep_in(tmp_path / "left")
    pictures.leave("digest", view)
    assert pictures.take("digest") == view
    (tmp_path / "left" / "digest").write_bytes(b"nothing")
    assert pictures.take("digest") is None
