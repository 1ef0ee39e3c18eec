"""The diffusion transformer: noise to latents, patch by patch, as a text says. Objectives, samplers, training."""
