"""The captioner: from a latent to a sentence."""
