"""What goes wrong with media, in a sentence."""


class MediaError(ValueError):
    """A file or a clip that cannot be read or written: what was got, what is needed, what to try."""
