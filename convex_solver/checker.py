"""Check a proof that no two-layer ReLU network is much better than a given one.

    python -m convex_solver.checker PROOF [PROOF ...] DATA.csv

What decides is integers and fractions.  ``proofs/FORMAT.md`` describes a proof's lines.

**Claim.**  With rows ``x_ik`` (k: patches), targets ``y_i`` and weights ``c_i`` of the
samples, a network of any width has the objective

    F = sum_i c_i l(f_i, y_i) + beta/2 (sum_j |u_j|^2 + sum_j a_j^2),
    f_i = sum_j a_j sum_k (x_ik . u_j)_+ .

That of the proof has ``F <= upper``.  For any v, with l* the conjugate of the losses'
sum, that sum is at least ``sum_i v_i f_i - l*(v)`` (Fenchel).  Where ``f(u) = sum_i v_i
sum_k (x_ik . u)_+`` is within ``+-beta |u|``, ``sum_i v_i f_i = sum_j a_j f(u_j)`` is
at least ``-beta/2 sum_j (|u_j|^2 + a_j^2)``: none has ``F < lower = -l*(v)``.
What follows shows ``f(u) <= beta |u|`` for v, and the same for -v.

**Rows.**  ``(x.u)_+ = (-x.u)_+ + x.u``: f is a sum over lines, and linear.  With a
matrix W and ``w = W^T u``, ``p.u = (W^T p).w + (p - W W^T p).u``.  Times ``2^K / beta``
and rounded, f is ``g(w) = L.w + sum_i e_i (a_i.w)_+`` with integers and ``e_i = +-1``,
up to half a unit in each entry of L and of G rows, at most ``(G + 1) r / 2 |w|``, and
``rest |u|`` for what W loses.  ``|w|^2 <= (1 + t) |u|^2``, t the largest absolute row
sum of ``W^T W - I``.  So ``g(w) <= R |w|`` is enough, with ``R = floor((2^K - rest)
/ (1 + t)) - ceil((G + 1) r / 2)``: on 2^r orthants, as cones, or on the unit sphere.

**Cones.**  An orthant has vertices ``V_j = +-2^E e_j``.  ``b`` puts the middle of an
edge in the place of one end, then of the other; ``s`` takes the sides of a row.  On a
leaf g is at most the linear function with values l_j at the vertices: rows of one sign
there are linear; others get, for ``e_i = 1``, chords (a convex function is below its
interpolation), for ``e_i = -1`` terms ``-t_i a_i.w`` with t_i in [0, 1]; ``b sigma
a_i.w``, b >= 0, is added for sides taken.  If ``p.V_j >= l_j`` for all j and ``|p| <=
R``, ``g(w) <= p.w <= R |w|``, as w is a sum of vertices, none taken negatively.

**Parts of the sphere.**  ``h`` takes the sides of a hyperplane, facets ``F = c + n.w >=
0``.  For b >= 0, ``q + m.w <= q + m.w + sum b F <= q + sum b c + |m + sum b n|``.  On a
leaf a row, ``s = a.w``, has ``2 e (s)_+ <= C + s h``, h affine: for e = 1 ``h = 1 +
A + B s`` if ``|s| <= C + A s + B s^2`` where s can be; for e = -1 with ``C = 0`` and
``h = -(1 + pi)`` if ``|pi| <= 1``.  And ``0 <= F h`` where ``h >= 0``.  So ``2 g <= C +
sum l h``, and ``g <= R`` if ``4 R - nu + nu |w|^2 - 2 C - 2 sum l h``, a quadratic form
in (1, w), is positive definite.

Pieces of a proof have the same first four lines; together they leave no orthant out.
"""

import csv
import decimal
import hashlib
import json
import math
import re
import sys
from fractions import Fraction
from itertools import chain, islice

FORMAT = "convex-relu proof 2"
LONGEST = 2**26  # characters of a line
BIG = 2**4096  # no integer of a proof is larger
NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?")
ONE = 2**1024  # of exponentials
SHARE = 2**40  # in units of which tangents and multipliers of cones are
UP, DOWN = decimal.ROUND_CEILING, decimal.ROUND_FLOOR
LABELS = ("hinge", "squared_hinge", "logistic")


class Rejected(ValueError):
    """The proof shows nothing; the message says why."""


def demand(holds, why):
    """Reject unless a condition holds."""
    if not holds:
        raise Rejected(why)


def integer(text):
    """Read an integer; what else JSON has for numbers is refused."""
    demand(re.fullmatch(r"-?\d{1,1300}", text), f"{text[:20]} is no (short) integer")
    return int(text)


def parsed(line):
    """Return the value of a line of JSON."""
    demand(len(line) < LONGEST, "the line is too long")
    kinds = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), integer)
    return json.loads(line, **kinds)


def integers(values, count, least=-BIG, most=BIG):
    """Return a list of so many integers, each within bounds."""
    fits = isinstance(values, list) and len(values) == count
    fits = fits and all(type(x) is int and least <= x <= most for x in values)
    demand(fits, f"expected {count} integers in a certain range")
    return values


def rational(parts):
    """Return ``m 2^e / q`` of [m, e, q], or of [m, e] with ``q = 1``."""
    m, e, q = integers([*parts, 1] if len(parts) == 2 else parts, 3)
    demand(abs(e) <= 4096 and q > 0, "an exponent or a divisor is out of range")
    return Fraction(m, q) * Fraction(2) ** e


def dot(p, q):
    """Return the scalar product."""
    return sum([x * y for x, y in zip(p, q)])


def exp_bounds(x):
    """Return two numbers around exp(x), by those 1 + z and 1 / (1 - z) of x / 2^160."""
    demand(abs(x) <= 4000, "a number is too large for the exponential")
    z = math.ceil(x * (ONE >> 160))
    low, high = ONE + z - 1, ONE * ONE // (ONE - z) + 1
    for _ in range(160):
        low, high = low * low // ONE, high * high // ONE + 1
    return Fraction(low, ONE), Fraction(high, ONE)


def x_log_x(x, side):
    """Return a bound of ``x log x``: from below for side 0, from above for side 1."""
    if x <= 0:
        return Fraction(0)
    # 1 - 1/z <= log z <= z - 1 for z = x / e^s, any s; one near log x makes them close
    s = Fraction(math.log(x.numerator) - math.log(x.denominator))
    low, high = exp_bounds(s)
    return x * (s - 1) + x * x / low if side else x * (s + 1) - high


def box(name, t, y, size):
    """Return (lo, hi, k, z) of a loss that is ``max (v (f - y) - z |v| - k v^2)``.

    Over ``lo <= v <= hi``; its conjugate is ``v y + z |v| + k v^2`` there.
    """
    top, bend = (size, Fraction(1, 4)) if name == "squared_hinge" else (1, 0)
    labels = (-top, 0, bend, 0) if y > 0 else (0, top, bend, 0)
    kinds = {"squared": (-size, size, Fraction(1, 2), 0), "absolute": (-1, 1, 0, 0)}
    kinds |= {"huber": (-t, t, Fraction(1, 2), 0), "quantile": (-t, 1 - t, 0, 0)}
    kinds |= {"epsilon_insensitive": (-1, 1, 0, t), "exact": (-size, size, 0, 0)}
    lo, hi, k, z = (kinds | {"hinge": labels, "squared_hinge": labels})[name]
    demand(lo <= 0 <= hi and z >= 0, "the parameter of the loss is out of range")
    return lo, hi, k, z


def value_above(name, t, f, y):
    """Return an upper bound of the loss of one sample."""
    if name == "logistic":
        more = 1 + exp_bounds(-min(abs(f), Fraction(4000)))[1]
        return max(0, -y * f) + x_log_x(more, 1) / more
    if name == "poisson":
        return exp_bounds(f)[1] - y * f - y + x_log_x(y, 1)
    e, (lo, hi, k, z) = f - y, box(name, t, y, 2 * abs(f - y) + 1)
    demand(e == 0 or name != "exact", "the network misses a target")
    places = [max(lo, min(hi, e / k / 2))] if k else [lo, 0, hi]
    return max([v * e - z * abs(v) - k * v * v for v in places])


def dual_below(name, t, v, y, c):
    """Return a lower bound of ``-l*(v)`` of one sample, or reject v."""
    x, why = v / c, "the dual point is outside the domain of the conjugate"
    if name == "logistic":
        demand(0 <= -x * y <= 1, why)
        return -c * (x_log_x(-x * y, 1) + x_log_x(1 + x * y, 1))
    if name == "poisson":
        demand(x + y >= 0, why)
        return -c * (x_log_x(x + y, 1) - x - x_log_x(y, 0))
    lo, hi, k, z = box(name, t, y, abs(x) + 1)
    demand(lo <= x <= hi, why)
    return -c * (x * y + z * abs(x) + k * x * x)


def read_samples(how, path):
    """Return the numbers in the columns chosen of the records that `csv` finds."""
    columns = [*how["columns"], how["target"], *filter(None, [how["weights"]])]
    places, names = map(list, zip(*columns, strict=True))
    integers(places, len(columns), 0)
    skip, header = integers([how["skip"], how["header"]], 2, 0)
    codes, target = how["classes"], len(how["columns"])
    integers([*codes.values()], len(codes))
    kind, samples = float if how["floats"] == "binary" else str, []
    with open(path, encoding="utf-8-sig", newline="") as stream:
        records = csv.reader(stream, delimiter=how["separator"])
        for number, record in enumerate(filter(None, records), 1):
            texts = [record[k].strip() for k in places if k < len(record)]
            demand(number != header or texts == names, "the columns have other names")
            if number > skip:
                where = f"record {number} of the table"
                demand(len(texts) == len(places), f"{where} is too short")
                if codes:
                    texts[target] = str(codes.get(texts[target], "no class"))
                if how["decimal"] == ",":
                    texts = [text.replace(",", ".") for text in texts]
                fits = all(map(NUMBER.fullmatch, texts))
                demand(fits, f"{where} has something else than a number")
                samples.append([Fraction(kind(text)) for text in texts])
    return samples


class Data:
    """The design ``numbers / unit`` (rows of integers), targets y and weights c."""

    def __init__(self, how, loss, samples):
        self.patches = integers([how["patches"]], 1, 1, 2**20)[0]
        width = len(how["columns"])
        d = width // self.patches
        demand(samples and d * self.patches == width > 0, "no rows, or no patches")
        self.y = [s[width] for s in samples]
        self.c = [s[width + 1] if how["weights"] else Fraction(1) for s in samples]
        demand(min(self.c) > 0, "a weight is not positive")
        demand(loss not in LABELS or {*self.y} <= {-1, 1}, "labels are -1 and 1")
        demand(loss != "poisson" or min(self.y) >= 0, "a count is below 0")
        text = "".join([",".join(map(str, s)) + "\n" for s in samples])
        digest = hashlib.sha256(text.encode()).hexdigest()
        demand(digest == how["sha256"], "the table has other data")
        center, scale = (list(map(rational, how[part])) for part in ("center", "scale"))
        demand(len(center) == len(scale) == d and min(scale) > 0, "no such scaling")
        ones, rows = [Fraction(1)] * (how["intercept"] is True), []
        for patch in [s[k : k + d] for s in samples for k in range(0, width, d)]:
            rows.append([(x - a) / b for x, a, b in zip(patch, center, scale)] + ones)
        self.d = len(rows[0])
        self.unit = math.lcm(*(x.denominator for x in chain(*rows)))
        self.numbers = [[int(x * self.unit) for x in row] for row in rows]


def bounds(data, v, network, loss, beta):
    """Return ``-l*(v)`` from below, and the network's objective from above."""
    alphas = [rational(a) for a in network["alphas"]]
    weights = [[rational(x) for x in u] for u in network["weights"]]
    demand([data.d] * len(alphas) == [*map(len, weights)], "a network for other data")
    squares, upper, lower = sum(x * x for x in chain(alphas, *weights)), 0, 0
    size = math.lcm(*(x.denominator for x in chain(*weights)))
    weights = [[int(x * size) for x in u] for u in weights]
    for i, (y, c) in enumerate(zip(data.y, data.c)):
        f = Fraction(0)
        for x in data.numbers[i * data.patches : (i + 1) * data.patches]:
            f += sum([a * max(0, dot(x, u)) for a, u in zip(alphas, weights)])
        f /= data.unit * size  # below, rounding keeps the sums short
        upper += math.ceil(c * value_above(*loss, f, y) * ONE)
        lower += math.floor(dual_below(*loss, v[i], y, c) * ONE)
    return Fraction(max(lower, 0), ONE), beta / 2 * squares + Fraction(upper, ONE)


class Rows:
    """The function g, in integers: ``a``, ``e``, ``L``, ``r`` and ``R``."""

    steps = {"o": "root"}

    def __init__(self, data, v, how):
        self.bits, self.depth, k = integers(how["bits"], 3, 0, 4096)
        self.roots, self.a, self.e = set(), [], []
        lines, linear, rest = {}, [0 for _ in range(data.d)], 0
        for i, x in enumerate(data.numbers):
            if size := math.gcd(*x):
                weight = v[i // data.patches] * 2**self.bits / data.unit
                if next(filter(None, x)) < 0:
                    linear = [s + weight * y for s, y in zip(linear, x)]
                    size = -size
                p = tuple([y // size for y in x])
                lines[p] = lines.get(p, 0) + weight * abs(size)
        W, one = [integers(row, len(row)) for row in how["basis"]], 4**k
        columns = [*zip(*W, strict=True)]
        demand(len(W) == data.d >= len(columns) > 0, "a basis for other data")
        for p, weight in [*filter(lambda line: line[1], lines.items()), (linear, 1)]:
            w = [dot(p, q) for q in columns]
            rest += abs(weight) * sum(abs(x * one - dot(w, q)) for x, q in zip(p, W))
            self.a.append([round(abs(weight) * x / Fraction(2**k)) for x in w])
            self.e.append(1 if weight > 0 else -1)
        self.r, self.L, _ = len(columns), self.a.pop(), self.e.pop()
        gram = [[dot(p, q) - one * (p is q) for q in columns] for p in columns]
        most = max([sum(map(abs, g)) for g in gram])
        room = (one * 2**self.bits - rest) / Fraction(one + most)
        self.R = math.floor(room) - ((len(self.a) + 1) * self.r + 1) // 2
        demand(self.R > 0, "rounding takes all of the bound: more bits are needed")

    def root(self, sign, number):
        """Return the root of a tree, which is new: an orthant, or the whole sphere."""
        integers([sign, number], 2, -1, 2 ** min(self.r, 16) - 1)
        demand(number not in self.roots, "no new root")
        self.roots.add(number)
        return [Cone.orthant(self, number) if number >= 0 else Part(self, [])]


class Cone:
    """A cone by lists with a number for each vertex, those of rows in ``cuts``."""

    steps = {"b": "halves", "s": "parts", "p": "bound"}

    def __init__(self, rows, entries, linear, cuts, sides):
        self.rows, self.entries, self.linear, self.sides = rows, entries, linear, sides
        self.cuts = {k: s for k, s in cuts.items() if min(s) < 0 < max(s)}
        for k in [k for k, s in cuts.items() if min(s) >= 0]:
            self.linear = [x + rows.e[k] * y for x, y in zip(self.linear, cuts[k])]

    @classmethod
    def orthant(cls, rows, number):
        """Return an orthant; bits of the number are negative axes."""
        ends = [(-1) ** (number >> j & 1) << rows.depth for j in range(rows.r)]
        entries = [[x * (i == j) for j, x in enumerate(ends)] for i in range(rows.r)]
        linear, *values = ([x * y for x, y in zip(a, ends)] for a in (rows.L, *rows.a))
        return cls(rows, entries, linear, dict(enumerate(values)), [])

    def halves(self, i, j):
        """Return the two cones that have the middle of an edge for one of its ends."""
        integers([i, j], 2, 0, self.rows.r - 1)
        odd = any((s[i] + s[j]) & 1 for s in self.entries)
        demand(i != j and not odd, "the middle of an edge is no integer vector")

        def moved(lists, k):
            return [[*s[:k], s[i] + s[j] >> 1, *s[k + 1 :]] for s in lists]

        for k in (j, i):
            (linear,), sides = moved([self.linear], k), moved(self.sides, k)
            cuts = dict(zip(self.cuts, moved(self.cuts.values(), k)))
            yield Cone(self.rows, moved(self.entries, k), linear, cuts, sides)

    def parts(self, number):
        """Return the parts of the cone on either side of a row that cuts it."""
        demand([number] == integers([number], 1) and number in self.cuts, "no cut")
        values, e = self.cuts[number], self.rows.e[number]
        cuts = {k: s for k, s in self.cuts.items() if k != number}
        for side in (-1, 1):
            linear = [x + e * y * (side > 0) for x, y in zip(self.linear, values)]
            sides = [*self.sides, [side * x for x in values]]
            yield Cone(self.rows, self.entries, linear, cuts, sides)

    def bound(self, mix, top, scale, p, shares=(), multipliers=()):
        """Demand that ``g(w) <= (p / 2^scale).w <= R |w|`` on the cone: a leaf."""
        given, e, shift = dict(shares), self.rows.e, self.rows.bits - scale
        integers([mix, top, scale, shift], 4, 0)
        integers([*given.values()], len(given), 0, SHARE)
        integers([*multipliers], len(multipliers and self.sides), 0)
        demand(len(integers(p, self.rows.r)) > top and mix <= 4, "a leaf of other data")
        terms = [[SHARE * x for x in self.linear]]
        for row, s in self.cuts.items():
            t = (4 - mix) * (sum(s) > 0) + mix * (sum(s) + 3 * s[top] > 0)
            t = given.get(row, t * SHARE // 4)
            terms.append([SHARE * max(x, 0) if e[row] > 0 else -t * x for x in s])
        terms += [[b * x for x in s] for b, s in zip(multipliers, self.sides)]
        for values, V in zip(zip(*terms), zip(*self.entries)):
            demand(sum(values) <= SHARE * dot(p, V) << shift, "at a vertex g is larger")
        demand(dot(p, p) << 2 * shift <= self.rows.R**2, "the vector is too long")


class Part:
    """The part of the unit sphere where each facet ``(c, n)`` has ``c + n.w >= 0``."""

    steps = {"h": "halves", "q": "bound"}

    def __init__(self, rows, facets):
        self.rows, self.facets, self.bits = rows, facets, rows.bits

    def halves(self, *numbers):
        """Return the parts on either side of a hyperplane."""
        for side in (-1, 1):
            facet = [side * x for x in integers([*numbers], self.rows.r + 1)]
            yield Part(self.rows, [*self.facets, facet])

    def above(self, function, multipliers):
        """Bound q + m.w from above, facets times multipliers of at least 0 added."""
        sums = [x << self.bits for x in integers(function, self.rows.r + 1)]
        for b, facet in zip(integers(multipliers, len(multipliers), 0), self.facets):
            sums = [s + b * x for s, x in zip(sums, facet)]
        c, *n = sums
        length = math.isqrt(dot(n, n) - 1) + 1 if any(n) else 0
        return -(-c - length >> self.bits)

    def term(self, a, e, up, down, more):
        """Return C / 2^K and h / 4^K, a function: ``2 e (a.w)_+ <= C + (a.w) h(w)``."""
        K, one = self.bits, 1 << self.bits
        if e < 0:
            minus = [-x for x in more]
            most = max(self.above(more, up), self.above(minus, down))
            demand(most <= one, "a policy exceeds 1")
            return 0, [minus[0] - one << K, *[x << K for x in minus[1:]]]
        A, B, C = integers(more, 3)
        demand(B >= 0 and C >= 0, "a parabola has no top")
        ends = self.above([0, *a], up), self.above([0, *[-x for x in a]], down)
        for slope, end in zip((one - A, one + A), ends):
            # slope t <= C + B t^2 for 0 <= t <= end: at the top, or if it rises there
            rest = (slope << K) - B * end
            rises = rest >= B * end and rest * end <= C << 2 * K
            demand(rises or slope * max(slope, 0) <= 4 * B * C, "above its parabola")
        return C, [one + A << K, *[B * x for x in a]]

    def bound(self, terms, products, nu):
        """Demand that a quadratic form shows ``g(w) <= R`` on the part: a leaf."""
        rows, K, (nu,) = self.rows, self.bits, integers([nu], 1)
        diagonal = [4 * rows.R - nu, *[nu for _ in rows.L]]
        factors = [([1, *[0 for _ in rows.L]], [0, *[2 * x << 2 * K for x in rows.L]])]
        for a, e, item in zip(rows.a, rows.e, terms, strict=True):
            C, h = self.term(a, e, *item)
            diagonal[0] -= 2 * C
            factors.append(([0, *a], h))
        for facet, (h, b) in zip(self.facets, products, strict=True):
            demand(self.above([-x for x in h], b) <= 0, "a factor is negative")
            factors.append((facet, [x << K for x in h]))
        left, right = ([*zip(*side)] for side in zip(*factors))
        S = [[-dot(p, q) for q in right] for p in left]
        S = [[x + y for x, y in zip(*both)] for both in zip(S, zip(*S))]
        for i, x in enumerate(diagonal):
            S[i][i] += x << 2 * K
        last = 1
        while S:  # positive definite: its leading minors are positive (Bareiss)
            (t, *right), *S = S
            demand(t > 0, "the form is not below R")
            S = [[(t * y - x * z) // last for y, z in zip(row, right)] for x, *row in S]
            last = t


def check(paths, table, place):
    """Check the pieces of a proof; return lower and upper bound, claim and n."""
    first = None
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            lines = enumerate(iter(lambda: stream.readline(LONGEST), ""), 1)
            place[0], waiting = path, []
            head = [line for place[1], line in islice(lines, 4)]
            demand(first in (None, head) and len(head) == 4, "four other lines first")
            if first is None:
                first, (claim, network, dual, how) = head, map(parsed, head)
                place[1] = "1, 2, 3 or 4"
                demand(claim["format"] == FORMAT, "the format is unknown")
                (name, t), beta = claim["loss"], rational(claim["beta"])
                demand(beta > 0, "beta is not positive")
                data = Data(claim["data"], name, read_samples(claim["data"], table))
                unit = rational([1, dual["exponent"]])
                v = [x * unit for x in integers(dual["values"], len(data.y))]
                sides = {s: Rows(data, [s * x / beta for x in v], how) for s in (1, -1)}
                found = bounds(data, v, network, (name, rational(t)), beta)
            for place[1], line in lines:
                kind, *rest = parsed(line)
                part = waiting.pop() if waiting else sides[rest[0]]
                demand(kind in part.steps, f"expected {' or '.join(part.steps)}")
                waiting += getattr(part, part.steps[kind])(*rest) or ()
            demand(not waiting, "the proof ends within a tree")
    some = [rows for rows in sides.values() if -1 not in rows.roots]
    left = sum([2**rows.r - len(rows.roots) for rows in some])
    demand(not left, f"{left} roots of trees are missing")
    return *found, claim, len(data.y)


def shown(x, way):
    """Return 13 digits of a number, rounded up or down."""
    digits = decimal.Context(13, way, Emin=-(10**6), Emax=10**6)
    return digits.divide(*map(decimal.Decimal, x.as_integer_ratio()))


def main(arguments):
    """Print what a proof proves and return 0, or why it proves nothing and return 1."""
    if len(arguments) < 2:
        print("usage: checker.py PROOF [PROOF ...] DATA.csv")
        return 2
    place, (*paths, table) = ["", 0], arguments
    try:
        lower, upper, claim, n = check(paths, table, place)
    except Exception as error:  # whatever it is, nothing is proven
        own = isinstance(error, Rejected | OSError)
        reason = error if own else f"something is missing or of another kind ({error})"
        at = f"{place[0]}, line {place[1]}: " if place[1] else ""
        print(ascii(f"not proven: {at}{reason}")[1:-1][:300])
        return 1
    how, (name, t), gap = claim["data"], claim["loss"], upper - lower
    names = [ascii(name) for _, name in [how["target"], *how["columns"]]]
    print(f"data   {n} rows, {names[0]} from {', '.join(names[1:])}")
    for text, code in how["classes"].items():
        print(f"class  {text!a} is {code}")
    print(f"loss   {name}, parameter {rational(t)}; beta {rational(claim['beta'])}")
    print(f"upper  {shown(upper, UP)}: what the network of the proof attains")
    print(f"lower  {shown(lower, DOWN)}: no network is below it")
    print(f"gap    {shown(gap / upper if upper else gap, UP)}, relative")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
