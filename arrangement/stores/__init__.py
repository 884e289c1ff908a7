"""Lists on disk: Zarr stores and their format."""

from arrangement.stores.stores import StoredPatterns, open_patterns, write_patterns

__all__ = ["StoredPatterns", "open_patterns", "write_patterns"]
