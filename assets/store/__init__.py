"""The content-addressed store: what was computed, kept by what it was computed from.

Constructive traces (Mokhov, Mitchell, Peyton Jones, "Build Systems a la Carte", 2018): an action says which outputs a
key gave, and each output is a blob named by its content's digest. Nothing in it is needed for correctness: what is
missing or damaged is computed again.
"""

from assets.store.actions import Action
from assets.store.blobs import BlobMissing
from assets.store.eviction import Freed
from assets.store.partial import Partial
from assets.store.store import Lookup, Made, Store

__all__ = ["Action", "BlobMissing", "Freed", "Lookup", "Made", "Partial", "Store"]
