"""The values that flow along the wires, and their specs.

A *value* holds data; its *spec* holds what can be known of it without data (shape, frame rate, latent space),
so that a graph can be checked while it is drawn. Nothing here imports torch: an array is a numpy array in the
server and a torch tensor in a worker, and the shapes are the same.
"""

from assets.values.clip import Clip, ClipSpec
from assets.values.conditioning import Conditioning, ConditioningSpec
from assets.values.handles import Captioner, Describer, DiT, Expander, ImageEncoder, ModelHandle, TextEncoder, VideoVAE
from assets.values.latent import Latent, LatentSpec
from assets.values.mask import Mask, MaskSpec
from assets.values.patches import Patches, PatchesSpec
from assets.values.saved import SavedFile, SavedFileSpec
from assets.values.scalar import Scalar, ScalarSpec
from assets.values.text import Text, TextSpec
from assets.values.trajectory import Trajectory, TrajectorySpec

Value = (
    Text
    | Clip
    | Mask
    | Latent
    | Patches
    | Conditioning
    | Trajectory
    | SavedFile
    | Scalar
    | TextEncoder
    | VideoVAE
    | DiT
    | ImageEncoder
    | Describer
    | Captioner
    | Expander
)
Spec = (
    TextSpec
    | ClipSpec
    | MaskSpec
    | LatentSpec
    | PatchesSpec
    | ConditioningSpec
    | TrajectorySpec
    | SavedFileSpec
    | ScalarSpec
    | TextEncoder
    | VideoVAE
    | DiT
    | ImageEncoder
    | Describer
    | Captioner
    | Expander
)

VALUE_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        Text,
        Clip,
        Mask,
        Latent,
        Patches,
        Conditioning,
        Trajectory,
        SavedFile,
        Scalar,
        TextEncoder,
        VideoVAE,
        DiT,
        ImageEncoder,
        Describer,
        Captioner,
        Expander,
    )
}

__all__ = [
    "VALUE_TYPES",
    "Captioner",
    "Clip",
    "ClipSpec",
    "Conditioning",
    "ConditioningSpec",
    "Describer",
    "DiT",
    "Expander",
    "ImageEncoder",
    "Latent",
    "LatentSpec",
    "Mask",
    "MaskSpec",
    "ModelHandle",
    "Patches",
    "PatchesSpec",
    "SavedFile",
    "SavedFileSpec",
    "Scalar",
    "ScalarSpec",
    "Spec",
    "Text",
    "TextEncoder",
    "TextSpec",
    "Trajectory",
    "TrajectorySpec",
    "Value",
    "VideoVAE",
]
