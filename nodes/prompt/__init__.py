"""Prompts: text by hand, by template, by a model."""
