"""The text encoder: words to vectors, for the DiT to attend to. Trained with it."""
