"""Check a proof that a list of the sign patterns of a matrix is complete.

    python -m arrangement.checker PROOF DATA.csv [LIST.npz]

One file, the standard library alone, nothing of the program that wrote the proof.  All
that decides is integers.  ``proofs/FORMAT.md`` describes the proof's lines.

**Claim.**  X has rows x_i; with offsets b, ``x_i = (a_i, -b_i)``, and points have a
last coordinate above 0.  The pattern at z is ``1[x_i.z >= 0]``; it counts if ``x_i.z``
is 0 for no row but zero rows.  The patterns at the points of the proof (with ``pairs``
at their opposites, too) are all there are, and none of them comes twice.  If a LIST is
given, it holds just these.

**None twice.**  As numbers with the bits of the rows, the patterns on the lines are
each larger than the one before.  With ``pairs`` they are 1 at the first row that is not
zero, where those at opposite points are 0; and opposite points give different patterns
where points do.

**At least.**  So there are as many patterns as the proof has lines; twice as many with
``pairs``.

**At most.**  Rows are kept in the columns P of the pivots of an elimination: with a T
of full row rank, ``X = X_P T``, so ``X_P`` has the same patterns in ``R^w``, w the
rank.  Rows that are not zero, one for each line of parallel ones, are m hyperplanes
through 0; two points have one pattern if they lie in the same region, and else two.
Let c(A) be the number of regions.  A further hyperplane H cuts those that it meets into
two, and it meets each, which is convex, in one of the regions into which A cuts H:

    c(A + H) = c(A) + c(A on H),   c(h_1 .. h_m) = 1 + sum_i c(h_1 .. h_(i-1) on h_i).

On H, where ``h_p`` is not 0, ``h_p z_p = - sum_k h_k z_k``, so a row x becomes
``h_p x_k - x_p h_k`` in the coordinates k other than p.  By induction (Cover)

    c(A) <= f(m, w) = 2 sum_(k < w) C(m - 1, k)  for m > 0,

as ``f(m, w) = f(m - 1, w) + f(m - 1, w - 1)`` does not decrease in m, and
``f(1, w) = 2``.  The proof names the hyperplanes to which the first is applied; to the
others it is the second.  The bound so found must be the number of patterns.  With
offsets the hyperplane on which the last coordinate is 0 comes first, and of the
regions, which come in opposite pairs, half have that coordinate above 0.
"""

import csv
import hashlib
import json
import math
import re
import sys
import zipfile
import zlib
from fractions import Fraction
from operator import mul

FORMAT = "convex-relu listing 1"
LONGEST = 2**24  # characters of a line
BIG = 2**4096  # no integer of a proof is larger
NUMBER = re.compile(
    r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?", re.ASCII
)
HEADER = re.compile(
    rb"\{'descr': '<u8', 'fortran_order': False, 'shape': \(\d+, (\d+)\), \} *\n"
)
DIGITS = bytes.maketrans(b"\x00\x80", b"01")


class Rejected(Exception):
    """The proof shows nothing; the message says why."""


def demand(holds, why):
    """Reject unless a condition holds."""
    if not holds:
        raise Rejected(why)


def lines_of(stream):
    """Return the lines of a text one by one, each of a bounded length."""
    while line := stream.readline(LONGEST):
        demand(len(line) < LONGEST, "a line is too long")
        yield line


def no_number(text):
    """Refuse what JSON has for numbers besides integers."""
    raise Rejected(f"{text[:20]} is no integer")


decoder = json.JSONDecoder(parse_float=no_number, parse_constant=no_number)


def parsed(line):
    """Return the value of a line of JSON."""
    try:
        return decoder.decode(line)
    except (ValueError, RecursionError):
        raise Rejected(
            "the line is no JSON, or has a number that is too long"
        ) from None


def integers(values, count, least=-BIG, most=BIG):
    """Return a list of so many integers, each within bounds."""
    fits = isinstance(values, list) and len(values) == count
    fits = fits and all(type(x) is int and least <= x <= most for x in values)
    demand(fits, f"expected {count} integers in a certain range")
    return values


def primitive(row):
    """Return a row without the common factor of its entries."""
    size = math.gcd(*row) or 1
    return tuple([x // size for x in row])


def read_samples(how, path):
    """Return the numbers in the columns chosen of the records that `csv` finds."""
    skip, header = integers([how["skip"], how["header"]], 2, 0)
    columns = [*how["columns"], *filter(None, [how["offsets"]])]
    columns = [(integers([k], 1, 0)[0], name) for k, name in columns]
    known = how["decimal"] in (".", ",") and how["floats"] in ("decimal", "binary")
    known = known and how["separator"] not in ('"', "\r", "\n")
    known = known and all(type(name) is str for _, name in columns)
    demand(known, "the table is to be read in an unknown way")
    samples = []
    with open(path, encoding="utf-8-sig", newline="") as stream:
        records = csv.reader(lines_of(stream), delimiter=how["separator"])
        for number, record in enumerate(filter(None, records), 1):
            if number <= skip and number != header:
                continue
            demand(max(columns)[0] < len(record), f"record {number} is too short")
            texts = [record[k].strip() for k, _ in columns]
            same = number != header or texts == [name for _, name in columns]
            demand(same, "the names of the columns are others")
            if number > skip:
                if how["decimal"] == ",":
                    texts = [text.replace(",", ".") for text in texts]
                fits = all(map(NUMBER.fullmatch, texts))
                demand(fits, f"record {number} has something else than a number")
                if how["floats"] == "binary":
                    texts = map(float, texts)
                samples.append([*map(Fraction, texts)])
    return samples


class Rows:
    """The rows of the claim as integers, and the hyperplanes that they are."""

    def __init__(self, how, samples):
        width, affine = len(how["columns"]), how["offsets"] is not None
        demand(samples and width, "there are no rows or no columns")
        text = "".join([",".join(map(str, s)) + "\n" for s in samples])
        digest = hashlib.sha256(text.encode()).hexdigest()
        demand(digest == how["sha256"], "the table has other data")
        ones, self.rows = [1] * (how["intercept"] is True), []
        for s in samples:
            row = [*s[:width], *ones, *[-b for b in s[width:]]]
            unit = math.lcm(*[x.denominator for x in row])
            ints = [x.numerator * (unit // x.denominator) for x in row]
            self.rows.append(primitive(ints))
        self.width, self.affine = width + len(ones) + affine, affine
        self.tops = [max(map(abs, column)) for column in zip(*self.rows)]
        moving = [i for i, row in enumerate(self.rows) if any(row)]
        self.first, self.moving = min(moving, default=-1), sum([1 << i for i in moving])
        infinity = [(*[0] * (self.width - 1), 1)] * affine
        kept = pivots(infinity + self.rows)
        lines = [[row[k] for k in kept] for row in infinity + self.rows]
        self.lines, self.rank, self.packed = distinct(lines), len(kept), {}

    def pattern(self, z):
        """Return the pattern at a point, as a number; reject a point on a hyperplane.

        All products ``x_i.z`` are digits of one number in the base 2^bits, each raised
        by half the base; the highest bit of a digit is 1 where the product is not
        negative.  Less 1 the bits are the same if no product is 0.
        """
        demand(not self.affine or z[-1] > 0, "the last coordinate is not above 0")
        size = max(sum(map(mul, map(abs, z), self.tops)), *self.tops)
        step = 1 << (size.bit_length() // 8).bit_length()  # bytes: size < 2^bits / 2
        if step not in self.packed:
            top = 1 << 8 * step - 1
            halves = joined([top for _ in self.rows], step)
            ones = joined([int(any(row)) for row in self.rows], step)
            columns = [joined(column, step) for column in zip(*self.rows)]
            self.packed[step] = halves, ones, columns
        halves, ones, columns = self.packed[step]
        total = halves + sum(map(mul, z, columns))
        signs = total & halves
        demand((total - ones) & halves == signs, "the point lies on a hyperplane")
        digits = signs.to_bytes(step * len(self.rows), "little")[step - 1 :: step]
        return int(digits[::-1].translate(DIGITS), 2)


def joined(digits, step):
    """Return the number with these digits, lowest first, of so many bytes each."""
    up = b"".join([max(x, 0).to_bytes(step, "little") for x in digits])
    down = b"".join([max(-x, 0).to_bytes(step, "little") for x in digits])
    return int.from_bytes(up, "little") - int.from_bytes(down, "little")


def pivots(rows):
    """Return the columns of the pivots of an elimination."""
    found = {}
    for row in rows:
        for k, pivot in found.items():
            if row[k]:
                row = [x * pivot[k] - row[k] * y for x, y in zip(row, pivot)]
        if any(row):
            row = primitive(row)
            found[next(k for k, x in enumerate(row) if x)] = row
    return sorted(found)


def distinct(rows):
    """Return the lines of the rows that are not zero, each once."""
    lines = {}
    for row in rows:
        if size := math.gcd(*row):
            lead = next(filter(None, row))
            size = size if lead > 0 else -size
            lines[tuple([x // size for x in row])] = None
    return [*lines]


def restricted(rows, h):
    """Return the lines of rows on the hyperplane of another line."""
    p = next(k for k, x in enumerate(h) if x)
    others, lead = h[:p] + h[p + 1 :], h[p]
    kept = [(x[p], x[:p] + x[p + 1 :]) for x in rows]
    return distinct([[lead * y - a * b for y, b in zip(x, others)] for a, x in kept])


def cover(m, width):
    """Return Cover's bound of the regions of m hyperplanes."""
    return 2 * sum([math.comb(m - 1, k) for k in range(width)]) if m and width else 1


def most(rows, width, tree, limit):
    """Return a bound of the number of regions, by Cover where the tree is 0.

    A number k is a list of k - 1 for every row.  Rejects once it is above the limit.
    """
    if type(tree) is int:
        demand(0 <= tree <= max(width - 2, 0), "the tree is too deep")
    total = 1
    if type(tree) is int and tree == 0:
        total = cover(len(rows), width)
    else:
        below = [tree - 1 for _ in rows] if type(tree) is int else tree
        fits = isinstance(below, list) and len(below) == len(rows) and width > 2
        demand(fits, "the tree has another form than the hyperplanes")
        for i, (h, part) in enumerate(zip(rows, below)):
            total += most(restricted(rows[:i], h), width - 1, part, limit - total)
    demand(total <= limit, "more regions than patterns may be there")
    return total


def read_list(path, n):
    """Return the patterns of an npz file that `arrangement` wrote, as numbers."""
    width, found = -(-n // 64), set()
    with zipfile.ZipFile(path) as archive, archive.open("packed.npy") as stream:
        demand(stream.read(8) == b"\x93NUMPY\x01\x00", "the list is of another kind")
        size = int.from_bytes(stream.read(2), "little")
        shape = HEADER.fullmatch(stream.read(size))
        demand(shape and int(shape[1]) == width, "the list is for other data")
        while raw := stream.read(8 * width):
            key = int.from_bytes(raw, "little")
            demand(key not in found, "the list has a pattern twice")
            found.add(key)
    return found


def check(path, table, place, other=None):
    """Check a proof; return its claim, its rows, and the number of patterns."""
    with open(path, encoding="utf-8") as stream:
        lines = enumerate(lines_of(stream), 1)
        place[:] = next(lines, (1, ""))
        claim = parsed(place.pop())
        demand(claim["format"] == FORMAT, "the format is unknown")
        pairs, how = claim["pairs"] is True, claim["data"]
        rows = Rows(how, read_samples(how, table))
        demand(not pairs or (rows.first >= 0 and not rows.affine), "there are no pairs")
        listed = None if other is None else read_list(other, len(rows.rows))
        last, n, end = -1, 0, None
        for place[0], line in lines:
            item = parsed(line)
            if isinstance(item, dict):
                end = item
                break
            key = rows.pattern(integers(item, rows.width))
            demand(key > last, "the pattern does not come after the one before")
            demand(not pairs or key >> rows.first & 1, "the first row is negative")
            if listed is not None:
                keys = {key, key ^ rows.moving} if pairs else {key}
                demand(keys <= listed, "the list does not have the pattern")
            last, n = key, n + 1
        demand(end is not None, "the proof is cut off: the count is missing")
        regions = 2 * n if pairs or rows.affine else n
        bound = most(rows.lines, rows.rank, end["count"], regions)
        demand(bound == regions, "more patterns than regions")
        demand(next(lines, None) is None, "a line follows the count")
        total = 2 * n if pairs else n
        demand(listed is None or len(listed) == total, "the list has other patterns")
    return claim, rows, total


def main(arguments):
    """Print what a proof proves and return 0, or why it proves nothing and return 1."""
    if not 2 <= len(arguments) <= 3:
        print("usage: checker.py PROOF DATA.csv [LIST.npz]")
        return 2
    place, (path, table, *other) = [], arguments
    try:
        claim, rows, total = check(path, table, place, *other)
    except (Rejected, OSError, csv.Error, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error)
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        RuntimeError,
        EOFError,
    ) as e:
        reason = f"something is missing or of another kind ({e})"
    else:
        how = claim["data"]
        names = [ascii(name) for _, name in how["columns"]]
        names += ["a column of ones"] * (how["intercept"] is True)
        names += [f"offsets {how['offsets'][1]!a}"] if rows.affine else []
        print(f"data      {len(rows.rows)} rows of {', '.join(names)}")
        print(f"patterns  {total}: all there are, and none of them twice")
        for name in other:
            print(f"list      {name!a}: it holds just these")
        return 0
    at = f"{path}, line {place[0]}: " if place else ""
    print(ascii(f"not proven: {at}{reason}")[1:-1][:300])
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
