"""CogVideoX 1.0 and 1.5 (Zhipu AI, 2024): v-prediction on a causal VAE, text by T5."""
