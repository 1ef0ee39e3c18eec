"""Numbers: set by hand for several nodes at once, read off what flows, reckoned."""
