"""Weights as people have them: diffusers folders, single files in other layouts, GGUF, float8, LoRA."""
