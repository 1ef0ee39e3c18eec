"""Clips in and out, and what is done to them between."""
