"""The sampler: from noise to patches, step by step."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, cast

from assets.values import Conditioning, ConditioningSpec, DiT, Patches, PatchesSpec, Trajectory, TrajectorySpec
from nodes.api import Curve, GoesOn, Range, Seed, SpecError, node, warn
from nodes.context import Context
from nodes.dit.config import Sampler
from nodes.dit.few_steps import offer_few_steps
from nodes.dit.given import require_given
from nodes.dit.together import TOGETHER
from nodes.video_vae.sizes import require_space

if TYPE_CHECKING:
    from torch import Tensor

    from assets.values import Value
    from assets.values.array import Array


OverSteps = Annotated[
    str, Curve(0, 1, "steps"), "How much of the guidance counts, from the first step to the last; at 0 none."
]
LossySkip = Annotated[
    float, Range(0, 2, 0.01), "Lossy: how far the input of the DiT may drift before it is run again; 0: never."
]


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
    negative: ConditioningSpec | None = None,
    stop: int = 0,
    guidance: float = 4,
    guidance_over_steps: str = "",
) -> SampledSpec:
    if guidance_over_steps and guidance == 1:
        warn("The guidance is 1, so its curve over the steps changes nothing; raise it.")
    require_space("DiT", dit.space, patches.space)
    if patches.patch != dit.patch:
        got, needs = ("x".join(map(str, patch)) for patch in (patches.patch, dit.patch))
        raise SpecError(
            f"Got patches of {got} latent cells; this DiT works on {needs}. Wire the DiT into the patchify node too, "
            "so that it cuts to fit."
        )
    for spec in (conditioning, negative):
        if spec and spec.encoder != dit.encoder:
            raise SpecError(
                f"Got text encoded by {spec.encoder!r}; this DiT was trained with {dit.encoder!r}. "
                "Encode the text with its own text encoder."
            )
    require_given(dit, patches, conditioning)
    offer_few_steps(dit, steps, guidance)
    done = min(stop or steps, steps)
    return SampledSpec(replace(patches, told="by itself"), TrajectorySpec(done, patches, left=steps - done))


def steps_taken(made: "Mapping[str, Value]") -> "list[dict[str, Array]]":
    """The steps of a sampler's result, as `walk` keeps them: another that stops elsewhere goes on from them."""
    way = made["trajectory"]
    assert isinstance(way, Trajectory)
    return [
        {"x": way.states[step + 1], "clean": way.predictions[step], "level": way.sigmas[step + 1]}
        for step in range(way.spec.steps)
    ]


@node(
    version=3,
    category="sampling",
    spec=sample_spec,
    goes_on=GoesOn("stop", steps_taken),
    together=TOGETHER,
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
    guidance_over_steps: OverSteps = "",
    sampler: Annotated[
        Sampler,
        "dpm++2m and unipc need fewer steps, heun two forwards a step; ddim is euler; ddpm and dpm++2m sde add fresh "
        "noise.",
    ] = "euler",
    shift: Annotated[
        float,
        Range(0, 12, 0.1),
        "Above 1: more of the steps at high noise, for larger clips; 0: as suits the model.",
    ] = 1.0,
    lossy_skip: LossySkip = 0.0,
    stop: Annotated[
        int, Range(0, 200), "Stop after so many steps, with what is foreseen then; raise it to go on. 0: all steps."
    ] = 0,
) -> Sampled:
    """Make the patches that are to be made, from noise, as the text says; what is given stays as it is.

    A patch starts as far in the noise as its own level says, and all reach none together (flow matching, Lipman et al.
    2023; per-token levels as in Diffusion Forcing, Chen et al. 2024).
    """
    import torch

    from nodes.dit.denoiser import Request, denoiser, steered
    from nodes.dit.guidance import over_steps
    from nodes.dit.samplers import solver
    from nodes.dit.sampling import Packed, finished
    from nodes.dit.skipping import Skips
    from nodes.dit.steps import walk

    model = denoiser(ctx.model(dit))
    levels, scales = model.levels(steps, shift, patches.grids), over_steps(guidance, guidance_over_steps, steps)
    request = Request(patches, conditioning, negative, seed, guidance, levels, over_steps=scales)
    with torch.inference_mode():
        skips = Skips(lossy_skip) if lossy_skip else None
        packed = Packed(model, [request], ctx.device, skips)
        step = steered(solver(sampler, packed.draw), [request])
        way = walk(ctx, packed.state, step, packed.foresee, _shows(ctx, patches, request.levels), skips, stop)
    ctx.levers(str(packed.levers))
    return Sampled(*finished(request, packed.state.x[0].cpu(), way, sampler))


Continued = Literal["as before", Sampler]


def branch_spec(
    dit: DiT,
    trajectory: TrajectorySpec,
    conditioning: ConditioningSpec,
    step: int,
    steps: int,
    negative: ConditioningSpec | None = None,
    guidance: float = 4,
    guidance_over_steps: str = "",
) -> SampledSpec:
    planned = trajectory.steps + trajectory.left
    latest = min(trajectory.steps, planned - 1)
    if step > latest:
        raise SpecError(
            f"Got step {step} of a trajectory of {trajectory.steps} steps; needs one that it has, and that leaves "
            f"something to do. Choose {latest} or less."
        )
    whole = step + (steps or planned - step)
    return sample_spec(dit, trajectory.patches, conditioning, whole, negative, 0, guidance, guidance_over_steps)


@node(
    version=1,
    category="sampling",
    spec=branch_spec,
    label="Branch",
    keywords=("trajectory", "resume", "continue", "variation", "prompt switch", "restart"),
)
def branch(
    dit: Annotated[DiT, "The diffusion transformer that goes on; the one that began, as a rule."],
    trajectory: Annotated[Trajectory, "The sampler's second output: what it went through, step by step."],
    conditioning: Annotated[Conditioning, "What is to be seen from here on."],
    negative: Annotated[
        Conditioning | None, "What is not to be seen; without it, guidance leads away from no text."
    ] = None,
    *,
    ctx: Context,
    step: Annotated[int, Range(0, 199), "How many steps stay as they were: few change all, many change detail."] = 12,
    steps: Annotated[int, Range(0, 200), "How many steps follow; 0: those that the trajectory had left."] = 0,
    guidance: Annotated[float, Range(1, 20, 0.1), "How closely the text is followed; 1 is without guidance."] = 4.0,
    guidance_over_steps: OverSteps = "",
    sampler: Annotated[Continued, "ddpm adds noise in every step, so that each seed ends elsewhere."] = "as before",
    seed: Annotated[int, Seed(), "Of the noise that ddpm adds; the other samplers add none."] = 0,
) -> Sampled:
    """Go on from a step of a trajectory with another text, guidance, sampler or number of steps.

    Only the steps that follow are run. With the settings that the trajectory had, it ends as it did, bit for bit.
    """
    import torch

    from nodes.dit.denoiser import Request, steered
    from nodes.dit.guidance import over_steps
    from nodes.dit.samplers import solver
    from nodes.dit.sampling import Packed, finished, remaining
    from nodes.dit.steps import retraced, walk

    states, predictions = torch.as_tensor(trajectory.states), torch.as_tensor(trajectory.predictions)
    layout = (trajectory.grids, trajectory.patch, trajectory.space, trajectory.fps, trajectory.beside, trajectory.lead)
    begun = Patches(trajectory.canvas, trajectory.noise, *layout)
    levels = remaining(torch.as_tensor(trajectory.sigmas), step, steps)
    scales = over_steps(guidance, guidance_over_steps, len(levels) - 1)
    request = Request(begun, conditioning, negative, seed, guidance, levels, over_steps=scales)
    goes_on: Sampler = cast(Sampler, trajectory.solver) if sampler == "as before" else sampler
    with torch.inference_mode():
        packed = Packed(ctx.model(dit), [request], ctx.device)
        take = steered(solver(goes_on, packed.draw), [request])
        first = states[0].to(ctx.device)[None]
        old = list(zip(states[1 : step + 1], predictions[:step], strict=True))
        state = retraced(replace(packed.state, x=first), take, old)
        new = walk(ctx, state, take, packed.foresee, _shows(ctx, begun, levels))
    ctx.levers(str(packed.levers))
    return Sampled(*finished(request, states[0], old + new, goes_on))


def _shows(ctx: Context, patches: Patches, levels: "Tensor") -> "Callable[[int, Tensor], None]":
    """Previews what is foreseen (n d) after so many steps, with what noise is left in it."""

    def show(done: int, clean: "Tensor") -> None:
        noise = cast("Tensor", patches.noise) * float(levels[done])
        ctx.preview(replace(patches, tokens=clean, noise=noise, beside={}))

    return show
