"""SkyReels-V2 (Skywork, 2025): Wan's text encoder and VAE, a DiT with a noise level a latent frame for long clips."""
