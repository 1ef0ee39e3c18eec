"""Wan 2.1 and 2.2 (Alibaba, 2025): flow matching on a causal VAE, text by UMT5."""
