"""Along a tree of adjacent chambers: moves, folds and witnesses."""

from arrangement.listing.tree.folding import fold

__all__ = ["fold"]
