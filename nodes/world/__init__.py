"""The procedural world: scenes of coloured shapes in motion, their exact captions, and their frames.

`scene` samples what there is to see, `captions` says it in words, `render` draws it.
"""
