"""Real open weights, each family behind the same protocols as the built-in one."""
