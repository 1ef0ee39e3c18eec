"""Language models of your own: on disk, or behind an endpoint that you name. They caption clips and expand prompts."""
