"""HunyuanVideo (Tencent, 2024): flow matching on a causal VAE, text by LLaMA and CLIP, guidance embedded."""
