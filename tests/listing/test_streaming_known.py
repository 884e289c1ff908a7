"""A list far beyond memory, streamed and counted to its end."""

import resource
import sys

import pytest

from arrangement import iter_patterns

from reference import families


@pytest.mark.slow
def test_resonance_seven_streams_in_flat_memory():
    # two words a pattern: 5.2 GiB if they were kept
    stream = iter_patterns(families.resonance(7))
    total = sum(len(next(stream)) for _ in range(100))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total += sum(map(len, stream))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert total == 347_326_352
    unit = 1 if sys.platform == "darwin" else 1024
    assert (after - before) * unit < 16 << 20
