"""Check a proof that no two-layer ReLU network is much better than a given one.

    python -m convex_solver.checker PROOF [PROOF ...] DATA.csv

One file, the standard library alone, nothing of the program that wrote the proof.  What
decides is integers and fractions.  ``proofs/FORMAT.md`` describes the proof's lines.

**Claim.**  Sample i has rows ``x_ik`` (one, or one for each patch), target ``y_i`` and
weight ``c_i``.  A network of any width has the objective

    F = sum_i c_i l(f_i, y_i) + beta/2 (sum_j |u_j|^2 + sum_j a_j^2),
    f_i = sum_j a_j sum_k (x_ik . u_j)_+ .

That of the proof has ``F <= upper`` (exact but for bounds of exp and log); none has
``F < lower``: with a point v, ``f(u) = sum_i v_i sum_k (x_ik . u)_+`` and Fenchel's
inequality, ``sum_i c_i l(f_i, y_i) >= sum_i v_i f_i - l*(v)``, l* the conjugate, and

    sum_i v_i f_i = sum_j a_j f(u_j) >= -max |f| sum_j |a_j| |u_j|,  max over |u| = 1,

at least ``-max |f| / 2 sum_j (|u_j|^2 + a_j^2)``.  So ``lower = -l*(v)`` holds if

    (*)  |f(u)| <= beta |u|  for every u.

**Rows.**  Rows on one line, ``x = c p`` with p primitive, are merged:
``(c p.u)_+ = |c| (p.u)_+ - [c < 0] |c| p.u``.  With a matrix W (the identity if none is
given) and ``w = W^T u``, ``p.u = (W^T p).w + (p - W W^T p).u``.  Times ``2^K / beta``,
rounded to integers, f is ``g(w) = L.w + sum_i e_i (a_i.w)_+`` with ``e_i = +-1``, up to
half a unit in each entry of the G rows and of L, at most ``(G + 1) r / 2 |w|``, and up
to ``rest |u|`` of the second term.  ``|w|^2 <= (1 + t) |u|^2``, t the largest absolute
row sum of ``W^T W - I``.  So (*) follows from ``|g(w)| <= R |w|`` with
``R = floor((2^K - rest) / (1 + t)) - ceil((G + 1) r / 2)``.

**Cones.**  For g and for -g, each of the 2^r orthants is a cone with vertices
``V_j = +-2^E e_j``.  A tree divides it: ``b`` puts the middle of an edge in the place of
one end, then of the other, and the two cones cover the old one; ``s`` takes the sides
of a row.  Rows of one sign at all vertices are linear on the cone.  On a leaf g is at
most the linear function whose values at the vertices are l_j: for ``e_i = 1`` chords (a
convex function is below its interpolation), for ``e_i = -1`` terms ``-t_i a_i.w`` with
t_i in [0, 1], and ``b sigma a_i.w``, b >= 0, for sides taken.  A vector p with
``p.V_j >= l_j`` for all j and ``|p| <= R`` proves ``g(w) <= p.w <= R |w|`` there, as w
is a sum of vertices with coefficients that are not negative.

A proof may be cut at the roots of its trees.  The pieces have the same first four
lines; each is checked apart, and together they must leave no orthant out.
"""

import csv
import hashlib
import json
import math
import re
import sys
from fractions import Fraction
from itertools import chain

FORMAT = "convex-relu proof 1"
LONGEST = 2**26  # characters of a line
NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?")
BITS = 192  # of exponentials
LABELS = ("hinge", "squared_hinge", "logistic")


class Rejected(Exception):
    """The proof shows nothing; the message says why."""


def demand(holds, why):
    """Reject unless a condition holds."""
    if not holds:
        raise Rejected(why)


def integer(text):
    """Read an integer; anything else that JSON has for numbers is refused."""
    demand(re.fullmatch(r"-?\d{1,4000}", text), f"{text[:20]} is no (short) integer")
    return int(text)


def parsed(line):
    """Return the value of a line of JSON."""
    demand(len(line) < LONGEST, "the line is too long")
    kinds = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), integer)
    try:
        return json.loads(line, **kinds)
    except (ValueError, RecursionError):
        raise Rejected("the line is no JSON") from None


def integers(values, count, least, most):
    """Return a list of so many integers, each within bounds."""
    fits = isinstance(values, list) and len(values) == count
    fits = fits and all(type(x) is int and least <= x <= most for x in values)
    demand(fits, f"expected {count} integers from {least} to {str(most)[:12]}")
    return values


def dyadic(pair):
    """Return ``m 2^e`` of [m, e]."""
    m, e = integers(pair, 2, -(2**4096), 2**4096)
    demand(abs(e) <= 4096, "an exponent is out of range")
    return Fraction(m) * Fraction(2) ** e


def exp_bounds(x):
    """Return two numbers around exp(x): the series for x / 2^16, squared 16 times."""
    demand(abs(x) <= 4000, "a number is too large for the exponential")
    if x < 0:
        low, high = exp_bounds(-x)
        return 1 / high, 1 / low
    start = (x.numerator << BITS) // (x.denominator << 16)
    low = high = term = bound = 1 << BITS
    for k in range(1, 40):
        term = term * start // (k << BITS)
        bound = -(-bound * (start + 1) // (k << BITS))
        low, high = low + term, high + bound
    high += bound  # each term left out is below half of the one before
    for _ in range(16):
        low, high = low * low >> BITS, (high * high >> BITS) + 1
    return Fraction(low, 1 << BITS), Fraction(high, 1 << BITS)


def log_bounds(q):
    """Return two numbers around log(q): ``1 - 1/z <= log z <= z - 1``, ``z = q/e^s``.

    For any s; one near log(q) makes them close.
    """
    s = Fraction(math.log(q.numerator) - math.log(q.denominator))
    low, high = exp_bounds(s)
    return s + 1 - high / q, s - 1 + q / low


def x_log_x(x, side):
    """Return a bound of ``x log x``: from below for side 0, from above for side 1."""
    return x * log_bounds(x)[side] if x > 0 else Fraction(0)


def box(name, t, y, size):
    """Return (lo, hi, k, z) of a loss that is no exp or log, for ``|v| < size``.

    It is ``max (v e - z |v| - k v^2 / 2)``, ``lo <= v <= hi``, with ``e = f - y``: its
    conjugate is ``v y + z |v| + k v^2 / 2`` there, and infinite elsewhere.
    """
    if name in LABELS:
        top = size if name == "squared_hinge" else 1
        half = Fraction(int(name == "squared_hinge"), 2)
        return (-top, 0, half, 0) if y > 0 else (0, top, half, 0)
    return {
        "squared": (-size, size, 1, 0),
        "absolute": (-1, 1, 0, 0),
        "huber": (-t, t, 1, 0),
        "quantile": (-t, 1 - t, 0, 0),
        "epsilon_insensitive": (-1, 1, 0, t),
    }[name]


def value_above(name, t, f, y):
    """Return an upper bound of the loss of one sample."""
    if name == "logistic":
        small = exp_bounds(-min(abs(f), Fraction(4000)))[1]
        return max(0, -y * f) + log_bounds(1 + small)[1]
    if name == "poisson":
        return exp_bounds(f)[1] - y * f - y + x_log_x(y, 1)
    e = f - y
    lo, hi, k, z = box(name, t, y, 2 * abs(e) + 1)
    v = max(lo, min(hi, e / k)) if k else 0
    return v * e - k * v * v / 2 if k else max(0, hi * (e - z), lo * (e + z))


def dual_below(name, t, v, y, c):
    """Return a lower bound of ``-l*(v)`` of one sample, or reject v."""
    x = v / c
    why = "the dual point is outside the domain of the conjugate"
    if name == "logistic":
        demand(0 <= -x * y <= 1, why)
        return -c * (x_log_x(-x * y, 1) + x_log_x(1 + x * y, 1))
    if name == "poisson":
        demand(x + y >= 0, why)
        return -c * (x_log_x(x + y, 1) - x - x_log_x(y, 0))
    lo, hi, k, z = box(name, t, y, abs(x) + 1)
    demand(lo <= x <= hi, why)
    return -c * (x * y + z * abs(x) + k * x * x / 2)


def read_loss(name, parameter=None):
    """Return name and parameter of a loss."""
    t = Fraction(0) if parameter is None else dyadic(parameter)
    if parameter is None:
        demand(name in ("squared", "absolute", "poisson", *LABELS), "unknown loss")
    else:
        ranges = {"huber": t > 0, "quantile": 0 < t < 1, "epsilon_insensitive": t >= 0}
        demand(ranges.get(name), "unknown loss, or its parameter is out of range")
    return name, t


class Data:
    """The design ``numbers / unit`` (rows of integers), targets y and weights c."""

    def __init__(self, how, loss, samples):
        self.how, patches = how, integers([how["patches"]], 1, 1, 2**20)[0]
        width, weights = len(how["columns"]), how["weights"]
        demand(samples and width % patches == 0, "no rows, or no whole patches")
        self.patches, self.y = patches, [s[width] for s in samples]
        self.c = [s[width + 1] if weights else Fraction(1) for s in samples]
        demand(min(self.c) > 0, "a weight is not positive")
        demand(loss not in LABELS or all(abs(y) == 1 for y in self.y), "no labels +-1")
        demand(loss != "poisson" or min(self.y) >= 0, "a count is below 0")
        text = "".join(",".join(map(str, s[: width + 1])) + "\n" for s in samples)
        text += f"patches {patches}\n" if patches > 1 else ""
        text += "weights " + ",".join(map(str, self.c)) + "\n" if weights else ""
        demand(hashlib.sha256(text.encode()).hexdigest() == how["sha256"], "other data")
        d = width // patches
        center = [dyadic(x) for x in how["center"] or [[0, 0]] * d]
        scale = [dyadic(x) for x in how["scale"] or [[1, 0]] * d]
        demand(len(center) == len(scale) == d and min(scale, default=1) > 0, "a scale")
        q = math.lcm(*(x.denominator for s in [center, *samples] for x in s[:width]))
        m = math.lcm(*(b.numerator for b in scale))
        steps = [(int(a * q), int(m / b)) for a, b in zip(center, scale)]
        self.unit, ones = q * m, [q * m] * (how["intercept"] is True)
        self.numbers, self.d = [], d + len(ones)
        for s in samples:
            row = [x.numerator * (q // x.denominator) for x in s[:width]]
            for k in range(0, patches * d, d or 1):
                parts = zip(row[k : k + d], steps)
                self.numbers.append([(x - a) * b for x, (a, b) in parts] + ones)
        demand(self.d > 0 and len(self.numbers) == patches * len(samples), "no columns")


def cells(how, path):
    """Read samples: the chosen columns of the records that `csv` finds, none blank."""
    skip, header = integers([how["skip"], how["header"]], 2, 0, 2**60)
    columns = [*how["columns"], how["target"], *([how["weights"]] if how["weights"] else [])]
    columns = [(integers([k], 1, 0, 2**60)[0], name) for k, name in columns]
    with open(path, encoding="utf-8-sig", newline="") as stream:
        records = csv.reader(stream, delimiter=how["separator"])
        for number, record in enumerate((r for r in records if r), 1):
            demand(max(columns)[0] < len(record), f"row {number} is too short")
            for k, name in columns if number == header else ():
                demand(record[k].strip() == name, f"no column {name!r} at {k}")
            if number > skip:
                yield [decimal(record[k].strip(), how) for k, _ in columns]


def decimal(text, how):
    """Return the number that a cell shows, or the float64 nearest to it."""
    text = text.replace(",", ".") if how["decimal"] == "," else text
    demand(NUMBER.fullmatch(text), f"the table has {text[:20]!r} for a number")
    return Fraction(float(text) if how["floats"] == "binary" else text)


def objective(data, network, loss, beta):
    """Return an upper bound of a network's objective."""
    alphas = [dyadic(a) for a in network["alphas"]]
    weights = [[dyadic(x) for x in u] for u in network["weights"]]
    fits = len(weights) == len(alphas) and all(len(u) == data.d for u in weights)
    demand(fits, "the network is for other data")
    total = beta / 2 * sum(x * x for x in chain(alphas, *weights))
    unit = math.lcm(*(x.denominator for x in chain(alphas, *weights)))
    weights = [[int(x * unit) for x in u] for u in weights]
    for i, (y, c) in enumerate(zip(data.y, data.c)):
        f = Fraction(0)
        for x in data.numbers[i * data.patches : (i + 1) * data.patches]:
            f += sum(a * max(0, dot(x, u)) for a, u in zip(alphas, weights))
        value = c * value_above(*loss, f / (data.unit * unit), y)
        total += Fraction(-((-value.numerator << 320) // value.denominator), 2**320)
    return total


def dot(p, q):
    """Return the scalar product."""
    return sum(x * y for x, y in zip(p, q))


class Rows:
    """The function g: ``a``, ``e``, ``L``, ``r`` and ``R``, all integers."""

    def __init__(self, data, v, unit, bits, basis):
        # f is that of the integers v and of the rows of integers, times unit, / beta
        lines, k, W = {}, 0, [[int(i == j) for i in range(data.d)] for j in range(data.d)]
        for i, x in enumerate(data.numbers):
            if size := math.gcd(*x):
                c = size if next(k for k in x if k) > 0 else -size
                sums = lines.setdefault(tuple([k // c for k in x]), [0, 0])
                sums[0] += v[i // data.patches] * size
                sums[1] -= v[i // data.patches] * size * (c < 0)
        if basis is not None:
            k, W = integers([basis["bits"]], 1, 0, 4096)[0], basis["rows"]
            W = [integers(row, len(W[0]), -(2**k), 2**k) for row in W]
        columns, one, unit = list(zip(*W)), 4**k, unit / data.unit
        demand(len(W) == data.d and columns, "the basis is for other data")
        top, bottom = unit.numerator << bits, unit.denominator << k
        rest, linear, self.a, self.e, self.r = 0, [0] * len(columns), [], [], len(W[0])
        for p, (weight, lost) in lines.items():
            image = p
            if basis is not None:
                image = [dot(p, q) for q in columns]
                left = sum(abs(x * one - dot(image, q)) for x, q in zip(p, W))
                rest += (abs(weight) + abs(lost)) * left
            linear = [s + lost * x for s, x in zip(linear, image)]
            if weight:
                size = 2 * abs(weight) * top
                self.a.append([(size * x + bottom) // (2 * bottom) for x in image])
                self.e.append(1 if weight > 0 else -1)
        self.L = [(2 * top * x + bottom) // (2 * bottom) for x in linear]
        t = max(sum(abs(dot(p, q) - one * (p is q)) for q in columns) for p in columns)
        room = (one - rest * unit) * 2**bits / (one + t)
        self.R = math.floor(room) - ((len(self.a) + 1) * self.r + 1) // 2
        demand(self.R > 0, "rounding takes all of the bound: more bits are needed")


class Cone:
    """A cone by its vertices, and the values there of g's linear part and its rows.

    ``groups[e]`` has names of rows and, for each vertex, the list of their values; that
    of e = 0, the sides taken, times their signs.
    """

    def __init__(self, vertices, linear, groups):
        self.vertices, self.linear, self.groups = vertices, linear, dict(groups)
        for e in (1, -1):
            names, values = groups[e]
            ends = [(min(s), max(s)) for s in zip(*values)]
            cut = [k for k, (low, high) in enumerate(ends) if low < 0 < high]
            up = [k for k, (low, _) in enumerate(ends) if low >= 0]
            sums = [sum([s[k] for k in up]) for s in values]
            self.linear = [x + e * y for x, y in zip(self.linear, sums)]
            if len(cut) < len(names):
                values = [[s[k] for k in cut] for s in values]
                self.groups[e] = [names[k] for k in cut], values

    def halves(self, i, j):
        """Return the two cones that have the middle of an edge for one of its ends."""
        demand(i != j, "an edge has two ends")
        middle = [x + y for x, y in zip(self.vertices[i], self.vertices[j])]
        demand(not any(x & 1 for x in middle), "the middle of an edge is no integer")

        def replaced(parts, k):
            new = [(x + y) >> 1 for x, y in zip(parts[i], parts[j])]
            return [*parts[:k], new, *parts[k + 1 :]]

        for k in (i, j):
            groups = {e: (n, replaced(s, k)) for e, (n, s) in self.groups.items()}
            linear = [x for (x,) in replaced([[x] for x in self.linear], k)]
            yield Cone(replaced(self.vertices, k), linear, groups)

    def sides(self, row):
        """Return the parts of the cone on either side of a row that cuts it."""
        e = next((e for e in (1, -1) if row in self.groups[e][0]), 0)
        demand(e, "the row does not cut the cone")
        (names, values), (taken, known) = self.groups[e], self.groups[0]
        k = names.index(row)
        own = [s[k] for s in values]
        rest = names[:k] + names[k + 1 :], [s[:k] + s[k + 1 :] for s in values]
        for side in (1, -1):
            linear = [x + e * y * (side > 0) for x, y in zip(self.linear, own)]
            more = [*taken, row], [[*s, side * y] for s, y in zip(known, own)]
            yield Cone(self.vertices, linear, {**self.groups, e: rest, 0: more})

    def bound(self, R, bits, mix, top, scale, p, unit=0, shares=(), multipliers=()):
        """Demand that ``g(w) <= (p / 2^scale).w <= R |w|`` on the cone (Leaves)."""
        integers([mix, top, scale, unit], 4, 0, bits)
        demand(mix <= 4 and top < len(p) == len(self.vertices), "a leaf of other data")
        shift, given = unit + 2, dict(shares)
        integers([*given.values()], len(given), 0, 1 << unit)
        names, values = self.groups[-1]
        tangents = []
        for row, *s in zip(names, *values):
            t = (4 - mix) * (sum(s) > 0) + mix * (sum(s) + 3 * s[top] > 0)
            tangents.append(4 * given[row] if row in given else t << unit)
        taken = self.groups[0]
        b = integers(list(multipliers), len(taken[0]) if multipliers else 0, 0, 2**4096)
        for j, vertex in enumerate(self.vertices):
            chords = self.linear[j] + sum([s for s in self.groups[1][1][j] if s > 0])
            value = (chords << shift) - dot(tangents, values[j])
            value += 4 * dot(b, taken[1][j])
            demand(
                value <= dot(p, vertex) << (bits - scale + shift), "a vertex is above"
            )
        demand(dot(p, p) << 2 * (bits - scale) <= R * R, "the vector is too long")


def cover(lines, rows, bits, depth, found):
    """Check trees of cones; add their roots, (sign, orthant), to those found."""
    waiting = []
    for line in lines:
        kind, *rest = parsed(line)
        if not waiting:
            demand(kind == "o", "expected the root of a tree")
            sign, number = integers(rest, 2, -1, 2**rows.r - 1)
            demand(sign in (1, -1) and number >= 0 and rows.r <= 16, "no such orthant")
            demand((sign, number) not in found, "the root of a tree comes twice")
            found.add((sign, number))
            ends = [
                -(1 << depth) if number >> j & 1 else 1 << depth for j in range(rows.r)
            ]
            vertices = [
                [x * (i == j) for i in range(rows.r)] for j, x in enumerate(ends)
            ]
            groups = {0: ([], [[] for _ in ends])}
            for e in (1, -1):
                names = [k for k, x in enumerate(rows.e) if sign * x == e]
                values = [[rows.a[k][j] * x for k in names] for j, x in enumerate(ends)]
                groups[e] = names, values
            linear = [sign * x * y for x, y in zip(rows.L, ends)]
            waiting.append(Cone(vertices, linear, groups))
            continue
        cone = waiting.pop()
        if kind == "b":
            waiting += [*cone.halves(*integers(rest, 2, 0, rows.r - 1))][::-1]
        elif kind == "s":
            waiting += [*cone.sides(*integers(rest, 1, 0, len(rows.a)))][::-1]
        else:
            demand(kind == "p", "expected b, s or p")
            cone.bound(rows.R, bits, *rest)
    demand(not waiting, "the proof ends within a tree")


def shown(x, up):
    """Return 13 digits of a number of at least 0, rounded up or down."""
    if x <= 0:
        return "0"
    e = (x.numerator.bit_length() - x.denominator.bit_length()) * 3 // 10 - 12
    scaled = x / Fraction(10) ** e
    return f"{math.ceil(scaled) if up else math.floor(scaled)}e{e}"


class Lines:
    """The lines of a file, one after another, and the number of the last."""

    def __init__(self, name):
        self.name, self.number = name, 0
        self.stream = open(name, encoding="utf-8")

    def __iter__(self):
        return self

    def __next__(self):
        self.number += 1
        if line := self.stream.readline(LONGEST):
            return line
        raise StopIteration


def check(pieces, table):
    """Check all pieces; return lower and upper bound, and the data."""
    found, first = set(), None
    for lines in pieces:
        head = [next(lines, "{}") for _ in range(4)]
        demand(first in (None, head), "the pieces are not of one proof")
        if first is None:
            first, (claim, network, dual, how) = head, map(parsed, head)
            demand(claim["format"] == FORMAT, "the format is unknown")
            loss, beta = read_loss(*claim["loss"]), dyadic(claim["beta"])
            demand(beta > 0, "beta is not positive")
            how_read = claim["data"]
            data = Data(how_read, loss[0], [*cells(how_read, table)])
            unit = dyadic([1, dual["exponent"]])
            v = integers(dual["values"], len(data.y), -(2**4096), 2**4096)
            bits, depth = integers([how["bits"], how["depth"]], 2, 0, 4096)
            rows = Rows(data, v, unit / beta, bits, how["basis"])
            triples = zip(v, data.y, data.c)
            lower = sum(dual_below(*loss, unit * x, y, c) for x, y, c in triples)
            upper = objective(data, network, loss, beta)
        cover(lines, rows, bits, depth, found)
    left = 2 * 2**rows.r - len(found)
    demand(not left, f"the pieces leave out {left} orthants")
    return max(lower, Fraction(0)), upper, data


def main(arguments):
    """Print what a proof proves and return 0, or why it proves nothing and return 1."""
    if len(arguments) < 2:
        print("usage: checker.py PROOF [PROOF ...] DATA.csv")
        return 2
    *names, table = arguments
    pieces, place = [], ""
    try:
        for name in names:
            pieces.append(Lines(name))
        lower, upper, data = check(pieces, table)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"something is missing or of another kind ({error})"
    except (Rejected, OSError) as error:
        reason = str(error)
    else:
        gap = (upper - lower) / upper if upper > 0 else Fraction(0)
        columns = ", ".join(name for _, name in data.how["columns"])
        print(f"data    {len(data.y)} rows: {data.how['target'][1]} from {columns}")
        print(f"upper   {shown(upper, True)}")
        print(f"lower   {shown(lower, False)}")
        print(f"gap     {shown(gap, True)}")
        return 0
    at = [f"{p.name}, line {p.number}: " for p in pieces if p.number][-1:]
    print(f"not proven: {''.join(at)}{reason}"[:400].replace("\n", " "))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
