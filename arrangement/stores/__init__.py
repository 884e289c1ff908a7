"""Lists on disk: Zarr stores and their format, and lists as CSV."""

from arrangement.stores.stores import StoredPatterns, open_patterns, write_patterns
from arrangement.stores.text import read_csv

__all__ = ["StoredPatterns", "open_patterns", "read_csv", "write_patterns"]
