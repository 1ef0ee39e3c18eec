"""Model handles, and the modules that they stand for."""

from nodes.models.loading import load

__all__ = ["load"]
