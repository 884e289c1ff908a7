"""Alterations of files, each made by one integer, and what a reader may do with them.

A case is a number: ``random.Random(f"{kind}-{case}")`` makes all its choices, so that
a failing number can be run alone.
"""

from __future__ import annotations

import copy
import json
import random
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# A case that takes longer hangs; one that takes more memory floods.
SECONDS = 150  # the first case compiles kernels, on busy cores too
BYTES = 3 << 26
# One line that a terminal can show.
LONGEST = 1000

# What comes where something else was; Raw is written into the JSON text as it is.
DEEP = 200_000


class Raw(str):
    """Text that stands in a JSON file as it is, valid or not."""


VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    0.5,
    -0.0,
    1e-300,
    5e-324,
    1.7e308,
    10**18,
    -(10**18),
    2**63,
    10**400,
    -(10**400),
    Raw("1e400"),
    Raw("-1e400"),
    Raw("NaN"),
    Raw("Infinity"),
    Raw("-Infinity"),
    Raw("9" * 5000),
    Raw("1e-999999999"),
    Raw("-0"),
    Raw("[" * DEEP + "]" * DEEP),
    Raw('{"a":' * DEEP + "1" + "}" * DEEP),
    "",
    "0.1",
    "1",
    "nan",
    "inf",
    "text",
    "\u2212" + "1",
    "\x00",
    "line\nline",
    "x" * 100_000,
    [],
    [[]],
    [None],
    ["1"],
    [1, [2]],
    [1.0],
    [[1.0]],
    {},
    {"0": 1},
)


class Hang(BaseException):
    """A case took longer than `SECONDS`."""


def _alarm(signum: int, frame: object) -> None:
    raise Hang


@contextmanager
def limits() -> Iterator[None]:
    """Limit time and memory of what runs inside."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    old = signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, old)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def attempt(family: Any, call: Callable[[], Any]) -> tuple[Any, Any]:
    """Return what a call gives and None, or None and its error of that family."""
    try:
        return call(), None
    except family as error:
        return None, error


def check_refusal(error: BaseException, path: Path, family: Any) -> None:
    """Check that an error is of the family, one line long, and names the file."""
    kind, text = type(error).__name__, str(error)
    assert isinstance(error, family), f"{kind}: {text[:200]}"
    assert "\n" not in text, f"several lines: {text[:200]!r}"
    assert text.isprintable(), f"control characters: {text[:200]!r}"
    assert 20 <= len(text) <= LONGEST, f"{len(text)} characters: {text[:200]!r}"
    assert str(path) in text, f"the file is not named: {text[:200]!r}"


def run_cases(case: Callable[[int], str], kind: str, seeds: range) -> Counter[str]:
    """Run a case for each seed; all that fail are shown together."""
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    for number in seeds:
        try:
            with limits():
                outcomes[case(number)] += 1
        except (Exception, Hang) as error:
            failures.append(f"{kind} {number}: {type(error).__name__}: {error}"[:400])
    print(f"\n{kind}: {dict(outcomes)}, {len(failures)} failures")
    assert not failures, "\n".join([f"{len(failures)} failures", *failures[:60]])
    return outcomes


def altered_bytes(rng: random.Random, raw: bytes) -> bytes:
    """Flip, cut, insert, repeat, swap or overwrite bytes."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        size = len(data)
        begin = rng.randrange(size + 1)
        length = rng.choice((1, 1, 2, 8, 64, max(size // 3, 1)))
        end = min(begin + length, size)
        what = rng.randrange(8)
        if what == 0 and begin < size:
            data[begin] ^= 1 << rng.randrange(8)
        elif what == 1:
            del data[begin:]
        elif what == 2:
            del data[begin:end]
        elif what == 3:
            data[begin:begin] = rng.randbytes(length)
        elif what == 4:
            data[begin:begin] = data[begin:end]
        elif what == 5:
            data[begin:end] = bytes(end - begin)
        elif what == 6:
            data[begin:end] = rng.randbytes(end - begin)
        elif begin < size:
            # another digit where there is one: the likeliest to stay a valid file
            places = [k for k in range(size) if 48 <= data[k] < 58]
            place = rng.choice(places) if places else begin
            data[place] = 48 + rng.randrange(10)
    return bytes(data)


def to_json(document: Any) -> str:
    """JSON text of a document in which `Raw` stands as it is."""
    raws: list[Raw] = []

    def marked(part: Any) -> Any:
        if isinstance(part, Raw):
            raws.append(part)
            return f"@raw{len(raws) - 1}@"
        if isinstance(part, dict):
            return {key: marked(value) for key, value in part.items()}
        if isinstance(part, (list, tuple)):
            return [marked(value) for value in part]
        return part

    text = json.dumps(marked(document))
    for k, raw in enumerate(raws):
        text = text.replace(f'"@raw{k}@"', raw)
    return text


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All places in a document, the whole of it aside."""
    if isinstance(document, dict):
        items: Any = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    else:
        return
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a place."""
    for key in path:
        document = document[key]
    return document


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    """Replace what stands at a place."""
    at(document, path[:-1])[path[-1]] = value


def near(rng: random.Random, value: float) -> float:
    """Another number: an ulp away, a little, or much."""
    factor = rng.choice((2.0**-52, 1e-12, 1e-9, 1e-6, 1e-3, 0.5, 10.0, 1e150))
    if value == 0.0:
        return factor * rng.choice((-1.0, 1.0))
    if abs(value) > 2**1000:  # an integer that is no float
        return value + rng.choice((-1, 1))
    return float(value * (1.0 + factor * rng.choice((-1.0, 1.0))))


def altered_document(rng: random.Random, document: Any) -> tuple[Any, Any]:
    """A document with something dropped, renamed, retyped, moved or added.

    Also returns a key and value to be written twice, or None.
    """
    out = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2))):
        path = rng.choice(list(places(out)))
        value, parent = at(out, path), at(out, path[:-1])
        what = rng.randrange(8)
        if what == 0:
            del parent[path[-1]]
        elif what == 1 and isinstance(parent, dict):
            parent[path[-1] + rng.choice(("", " ", "_2"))] = parent.pop(path[-1])
        elif what == 2 and isinstance(parent, dict):
            parent[rng.choice(("extra", "", "n_patterns", "gap"))] = rng.choice(VALUES)
        elif what == 3 and isinstance(parent, list):
            parent.insert(path[-1], copy.deepcopy(value))
        elif what == 4 and isinstance(value, (int, float)):
            put(out, path, near(rng, value))
        elif what == 5:
            other = rng.choice(list(places(out)))
            put(out, path, copy.deepcopy(at(out, other)))
        elif what == 6 and isinstance(parent, dict):
            return out, (path, rng.choice((value, *VALUES[:12])))
        else:
            put(out, path, rng.choice(VALUES))
        if not list(places(out)):
            break
    return out, None


def with_twin(text: str, key: str, value: Any) -> str:
    """JSON text in which a key stands twice, the second time with another value."""
    name = json.dumps(key)
    return text.replace(f"{name}:", f"{name}: {to_json(value)}, {name}:", 1)
