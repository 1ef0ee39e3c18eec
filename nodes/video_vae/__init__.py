"""The causal video VAE: clips to latents and back, four frames and eight pixels a side to a latent place."""
