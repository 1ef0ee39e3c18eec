"""LTX-Video (Lightricks, 2024): flow matching on a strongly compressed latent, a noise level a token, text by T5."""
