"""The prompt expander: from a short prompt to a descriptive caption of the kind that the DiT was trained on."""
