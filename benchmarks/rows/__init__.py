"""The rows of the table of tasks: each function makes clips by the shipped nodes and measures what its task asks."""
