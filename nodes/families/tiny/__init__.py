"""Tiny decoders of other families' latents, for previews and quick looks."""
