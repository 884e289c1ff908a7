"""Pictures of arrangements and of counts; each takes and returns Matplotlib's axes."""

from arrangement.plot.growth import counts
from arrangement.plot.scenes import chambers

__all__ = ["chambers", "counts"]
