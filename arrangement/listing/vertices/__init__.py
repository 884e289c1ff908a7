"""The fast way: chambers by their lowest vertices, where those are simple."""

from arrangement.listing.vertices.coordinates import is_nearly_generic
from arrangement.listing.vertices.subsets import Box, table_bytes
from arrangement.listing.vertices.walker import VertexWalker

__all__ = ["Box", "VertexWalker", "is_nearly_generic", "table_bytes"]
