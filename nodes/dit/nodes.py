"""The sampler: from noise to patches, step by step."""

from typing import Annotated, Literal, NamedTuple

from assets.values import Conditioning, ConditioningSpec, DiT, Patches, PatchesSpec, Trajectory, TrajectorySpec
from assets.values.array import Array
from nodes.api import Range, Seed, SpecError, node
from nodes.context import Context
from nodes.video_vae.sizes import require_space

Sampler = Literal["euler", "heun", "ddim"]


class Sampled(NamedTuple):
    patches: Patches
    trajectory: Trajectory


class SampledSpec(NamedTuple):
    patches: PatchesSpec
    trajectory: TrajectorySpec


def sample_spec(
    dit: DiT,
    patches: PatchesSpec,
    conditioning: ConditioningSpec,
    steps: int,
    sampler: Sampler,
    negative: ConditioningSpec | None = None,
) -> SampledSpec:
    require_space("DiT", dit.space, patches.space)
    if patches.patch != dit.patch:
        got, needs = ("x".join(map(str, patch)) for patch in (patches.patch, dit.patch))
        raise SpecError(
            f"Got patches of {got} latent cells; this DiT works on {needs}. Wire the DiT into the patchify node too, "
            "so that it cuts to fit."
        )
    if len(patches.grids) != 1:
        raise SpecError(f"Got {len(patches.grids)} clips packed together; this node samples one at a time.")
    for spec in (conditioning, negative):
        if spec and spec.encoder != dit.encoder:
            raise SpecError(
                f"Got text encoded by {spec.encoder!r}; this DiT was trained with {dit.encoder!r}. "
                "Encode the text with its own text encoder."
            )
    if (dit.objective == "flow") == (sampler == "ddim"):
        fitting = "euler or heun" if dit.objective == "flow" else "ddim"
        raise SpecError(f"The sampler {sampler!r} does not fit a DiT trained for {dit.objective!r}; choose {fitting}.")
    return SampledSpec(patches, TrajectorySpec(steps, patches))


@node(
    version=1,
    category="sampling",
    spec=sample_spec,
    label="Sampler",
    keywords=("diffusion", "denoise", "generate", "ksampler", "flow"),
)
def sample(
    dit: Annotated[DiT, "The diffusion transformer."],
    patches: Annotated[Patches, "What is given and what is to be made; wire the canvas in for text to video."],
    conditioning: Annotated[Conditioning, "What is to be seen."],
    negative: Annotated[
        Conditioning | None, "What is not to be seen; without it, guidance leads away from no text."
    ] = None,
    *,
    ctx: Context,
    seed: Annotated[int, Seed(), "Another seed, another clip; the same seed gives the same clip again."] = 0,
    steps: Annotated[int, Range(1, 200), "More steps, finer motion; time grows in proportion."] = 24,
    guidance: Annotated[float, Range(1, 20, 0.1), "How closely the text is followed; 1 is without guidance."] = 4.0,
    sampler: Annotated[Sampler, "heun is finer a step, and twice as slow; ddim is for DDPM models."] = "euler",
    shift: Annotated[float, Range(0.1, 12, 0.1), "Above 1: more of the steps at high noise, for larger clips."] = 1.0,
) -> Sampled:
    """Make the patches that are to be made, from noise, as the text says; what is given stays as it is.

    A patch starts as far in the noise as its own level says, and all reach none together (flow matching, Lipman et al.
    2023; per-token levels as in Diffusion Forcing, Chen et al. 2024).
    """
    import torch
    from einops import rearrange

    from nodes.dit import samplers
    from nodes.dit.guidance import guided
    from nodes.patches.layout import grid_coords
    from nodes.text_encoder.model import Encoded

    def encoded(rows: Array) -> Encoded:
        text = rearrange(torch.as_tensor(rows), "m d -> 1 m d").to(ctx.device)
        return Encoded(text, torch.ones(text.shape[:2], dtype=torch.bool, device=ctx.device))

    def shaped(tokens: torch.Tensor, noise: torch.Tensor) -> Patches:
        return Patches(tokens.cpu(), noise.cpu(), patches.grids, patches.patch, patches.space, patches.fps)

    model = ctx.model(dit)
    clean = rearrange(torch.as_tensor(patches.tokens), "n d -> 1 n d").to(ctx.device)
    noise = rearrange(torch.as_tensor(patches.noise), "n -> 1 n").to(ctx.device)
    # Drawn on the CPU, so that a seed means the same noise on every device.
    eps = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(ctx.device)
    step = {"euler": samplers.euler, "heun": samplers.heun, "ddim": samplers.ddim(model.config.objective)}[sampler]
    levels = samplers.schedule(steps, shift)
    null = encoded(negative.embeds if negative else conditioning.null)
    coords = grid_coords(*patches.grids[0]).to(ctx.device)

    with torch.inference_mode():
        predict = guided(model, coords, encoded(conditioning.embeds), null, guidance)
        state = samplers.begin(clean, noise, eps, levels, model.config.objective)
        states, predictions = [state.x[0].cpu()], []
        for number in ctx.steps(steps):
            state = step(state, predict)
            states.append(state.x[0].cpu())
            predictions.append(state.clean[0].cpu())
            ctx.preview(shaped(state.clean[0], noise[0] * levels[number + 1]))

    trajectory = Trajectory(
        states=torch.stack(states),
        predictions=torch.stack(predictions),
        sigmas=torch.tensor(levels),
        noise=noise[0].cpu(),
        solver=sampler,
        grids=patches.grids,
        patch=patches.patch,
        space=patches.space,
        fps=patches.fps,
    )
    return Sampled(shaped(state.x[0], torch.zeros_like(noise[0])), trajectory)
