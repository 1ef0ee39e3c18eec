"""Every value as something to look at."""
