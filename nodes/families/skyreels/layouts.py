"""How SkyReels-V2's files name the tensors of its DiT: as Wan's do. No torch here."""

import re
from dataclasses import replace
from typing import Any

from assets.weight_headers import WeightHeader
from nodes.families.formats.layouts import Configs, Shapes
from nodes.families.wan import layouts as wan


def transformer_config(shapes: Shapes) -> dict[str, Any]:
    return wan.transformer_config(shapes) | {"inject_sample_info": "fps_embedding.weight" in shapes}


LAYOUTS = tuple(
    replace(layout, config=transformer_config, own=wan.is_skyreels)
    for layout in wan.LAYOUTS
    if layout.part == "transformer"
)


def around(held: Configs, header: WeightHeader) -> dict[str, dict[str, Any]]:
    """model_index.json and the config of every part, for a DiT that lies in a file.

    That it takes a noise level a latent frame the larger ones' name alone says: "DF". A shift of 8 from text, of 5 from
    an image (diffusers pipelines/skyreels_v2).
    """
    found = wan.around(held, header)
    dit = found["transformer"]
    told = dit["in_channels"] > dit["out_channels"]
    forced = dit["inject_sample_info"] or "df" in re.split(r"[^a-z0-9]+", header.path.name.lower())
    kind = "DiffusionForcing" if forced else "ImageToVideo" if told else ""
    return found | {
        "index": {"_class_name": f"SkyReelsV2{kind}Pipeline"},
        "scheduler": {"flow_shift": 5.0 if told else 8.0},
    }
