"""Mochi 1 (Genmo, 2024): flow matching on a causal VAE that takes six frames together, text by T5."""
