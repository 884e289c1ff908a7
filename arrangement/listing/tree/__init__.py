"""Along a tree of adjacent chambers: moves and witnesses."""

from arrangement.listing.tree.subtrees import Subtree
from arrangement.listing.tree.walker import TreeWalker
from arrangement.listing.tree.witness import FloatWitnesses, data_width

__all__ = ["FloatWitnesses", "Subtree", "TreeWalker", "data_width"]
