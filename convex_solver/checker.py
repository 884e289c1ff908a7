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
``R = floor((2^K - rest) / (1 + t)) - ceil((G + 1) r / 2)``.  For g and for -g it is
shown on the 2^r orthants, as cones, or on the unit sphere, as g is homogeneous.

**Cones.**  An orthant is a cone with vertices ``V_j = +-2^E e_j``.  A tree divides it:
``b`` puts the middle of an edge in the place of one end, then of the other: the two
cones cover the old one; ``s`` takes the sides of a row.  Rows of one sign at all
vertices are linear on the cone.  On a leaf g is at most the linear function whose
values at the vertices are l_j: for ``e_i = 1`` chords (a convex function is below its
interpolation), for ``e_i = -1`` terms ``-t_i a_i.w`` with t_i in [0, 1], and
``b sigma a_i.w``, b >= 0, for sides taken.  A vector p with ``p.V_j >= l_j`` for all j
and ``|p| <= R`` proves ``g(w) <= p.w <= R |w|`` there, as w is a sum of vertices with
coefficients that are not negative.

**Parts of the sphere.**  ``h`` divides a part by a hyperplane: what is left has facets
``F = c + n.w >= 0``.  With b >= 0, ``a.w <= a.w + sum b F <= |a + sum b n| + sum b c``
gives ``low <= a.w <= high``.  Let ``s = a.w``.  Where s has one sign ``(s)_+`` is s or
0.  Else, for e = 1, ``2 (s)_+ = s + |s| <= s + C + A s + B s^2``, C at least what two
parabolas, ``|s| - A s - B s^2``, reach; for e = -1, ``-2 (s)_+ <= -s (1 + pi)`` for all
``|pi| <= 1``, as ``q + rho s + tau (M a).w`` with ``|q + rho s| <= 1 - |tau M a|`` at
both ends.  And ``0 <= F (y + z.w + sum b F')`` for ``|z| <= y``.  All this adds up to
``2 g <= C + sum l h``, l and h affine, and ``g <= R`` if the quadratic form
``4 R - nu + nu |w|^2 - 2 C - 2 sum l h`` in (1, w) is positive definite.

A proof may be cut at the roots of its trees.  The pieces have the same first four
lines; each is checked apart, and together they must leave no orthant out.
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

FORMAT = "convex-relu proof 1"
LONGEST = 2**26  # characters of a line
BIG = 2**4096  # no integer of a proof is larger
NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?")
BITS = 192  # of exponentials
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


def dyadic(pair):
    """Return ``m 2^e`` of [m, e]."""
    m, e = integers(pair, 2)
    demand(abs(e) <= 4096, "an exponent is out of range")
    return Fraction(m) * Fraction(2) ** e


def dot(p, q):
    """Return the scalar product."""
    return sum([x * y for x, y in zip(p, q)])


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


def x_log_x(x, side):
    """Return a bound of ``x log x``: from below for side 0, from above for side 1."""
    if x <= 0:
        return Fraction(0)
    # 1 - 1/z <= log z <= z - 1 for z = x / e^s, any s; one near log x makes them close
    s = Fraction(math.log(x.numerator) - math.log(x.denominator))
    low, high = exp_bounds(s)
    return x * (s - 1) + x * x / low if side else x * (s + 1) - high


def box(name, t, y, size):
    """Return (lo, hi, k, z) of a loss that is ``max (v (f - y) - z |v| - k v^2 / 2)``.

    Over ``lo <= v <= hi``; its conjugate is ``v y + z |v| + k v^2 / 2`` there.
    """
    top, bend = (size, Fraction(1, 2)) if name == "squared_hinge" else (1, 0)
    labels = (-top, 0, bend, 0) if y > 0 else (0, top, bend, 0)
    kinds = {"squared": (-size, size, 1, 0), "absolute": (-1, 1, 0, 0)}
    kinds |= {"huber": (-t, t, 1, 0), "quantile": (-t, 1 - t, 0, 0)}
    kinds |= {"epsilon_insensitive": (-1, 1, 0, t), "hinge": labels}
    lo, hi, k, z = (kinds | {"squared_hinge": labels})[name]
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
    v = max(lo, min(hi, e / k)) if k else 0
    return v * e - k * v * v / 2 if k else max(0, hi * (e - z), lo * (e + z))


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
    return -c * (x * y + z * abs(x) + k * x * x / 2)


def label(text, decimal):
    """Return a class: numbers that are equal are one, as any texts are."""
    number = text.replace(",", ".") if decimal == "," else text
    return Fraction(number) if NUMBER.fullmatch(number) else text


def read_samples(how, path):
    """Return the numbers in the columns chosen of the records that `csv` finds."""
    names = [] if how.get("classes") is None else how["classes"]
    codes = {label(name, "."): code for name, code in zip(names, ("-1", "1"))}
    fits = isinstance(names, list) and len(names) == len(codes) in (0, 2)
    demand(fits, "there are no two classes")
    skip, header = integers([how["skip"], how["header"]], 2, 0)
    columns = [*how["columns"], how["target"], *filter(None, [how["weights"]])]
    places = integers([k for k, _ in columns], len(columns), 0)
    samples = []
    with open(path, encoding="utf-8-sig", newline="") as stream:
        records = csv.reader(stream, delimiter=how["separator"])
        for number, record in enumerate(filter(None, records), 1):
            fits = max(places) < len(record) or header != number <= skip
            demand(fits, f"record {number} is too short")
            texts = [record[k].strip() for k in places if k < len(record)]
            same = number != header or texts == [name for _, name in columns]
            demand(same, "the names of the columns are others")
            if number > skip:
                if codes:
                    found = label(texts[len(how["columns"])], how["decimal"])
                    demand(found in codes, f"record {number} has another class")
                    texts[len(how["columns"])] = codes[found]
                if how["decimal"] == ",":
                    texts = [text.replace(",", ".") for text in texts]
                fits = all(map(NUMBER.fullmatch, texts))
                demand(fits, f"record {number} has something else than a number")
                kind = float if how["floats"] == "binary" else str
                samples.append([Fraction(kind(text)) for text in texts])
    return samples


class Data:
    """The design ``numbers / unit`` (rows of integers), targets y and weights c."""

    def __init__(self, how, loss, samples):
        self.patches = integers([how["patches"]], 1, 1, 2**20)[0]
        width, weights = len(how["columns"]), how["weights"]
        d = width // self.patches
        demand(samples and d * self.patches == width > 0, "no rows, or no patches")
        self.y = [s[width] for s in samples]
        self.c = [s[width + 1] if weights else Fraction(1) for s in samples]
        demand(min(self.c) > 0, "a weight is not positive")
        demand(loss not in LABELS or {*self.y} <= {-1, 1}, "labels are -1 and 1")
        demand(loss != "poisson" or min(self.y) >= 0, "a count is below 0")
        text = "".join([",".join(map(str, s)) + "\n" for s in samples])
        digest = hashlib.sha256(text.encode()).hexdigest()
        demand(digest == how["sha256"], "the table has other data")
        center, scale = ([dyadic(x) for x in how[part]] for part in ("center", "scale"))
        demand(len(center) == len(scale) == d and min(scale) > 0, "no such scaling")
        q = math.lcm(*(x.denominator for s in [center, *samples] for x in s[:width]))
        m = math.lcm(*(b.numerator for b in scale))
        steps = [(int(a * q), int(m / b)) for a, b in zip(center, scale)]
        self.unit, ones = q * m, [q * m] * (how["intercept"] is True)
        self.numbers, self.d = [], d + len(ones)
        for s in samples:
            row = [x.numerator * (q // x.denominator) for x in s[:width]]
            for k in range(0, width, d):
                parts = zip(row[k : k + d], steps)
                self.numbers.append([(x - a) * b for x, (a, b) in parts] + ones)


def bounds(data, v, unit, network, loss, beta):
    """Return ``-l*(v unit)`` from below, and the network's objective from above."""
    alphas = [dyadic(a) for a in network["alphas"]]
    weights = [[dyadic(x) for x in u] for u in network["weights"]]
    fits = [data.d for _ in alphas] == [*map(len, weights)]
    demand(fits, "the network is for other data")
    upper = beta / 2 * sum(x * x for x in chain(alphas, *weights))
    size = math.lcm(*(x.denominator for x in chain(alphas, *weights)))
    weights, lower = [[int(x * size) for x in u] for u in weights], Fraction(0)
    for i, (y, c) in enumerate(zip(data.y, data.c)):
        f = Fraction(0)
        for x in data.numbers[i * data.patches : (i + 1) * data.patches]:
            f += sum([a * max(0, dot(x, u)) for a, u in zip(alphas, weights)])
        # rounded to 320 bits, which keeps the sums short
        value = c * value_above(*loss, f / (data.unit * size), y)
        upper += Fraction(math.ceil(value * 2**320), 2**320)
        lower += math.floor(dual_below(*loss, v[i] * unit, y, c) * 2**320)
    return max(lower / 2**320, Fraction(0)), upper


class Rows:
    """The function g, in integers: ``a``, ``e``, ``L``, ``r`` and ``R``."""

    def __init__(self, data, v, unit, how):
        # f / beta is unit / data.unit times that of the integers v and data.numbers
        unit, lines, rest, self.a, self.e = unit / data.unit, {}, 0, [], []
        basis = how["basis"]
        sizes = integers([how["bits"], how["depth"], basis["bits"]], 3, 0, 4096)
        bits, self.depth, k = sizes
        self.bits = bits
        for i, x in enumerate(data.numbers):
            if size := math.gcd(*x):
                c = size if next(filter(None, x)) > 0 else -size
                sums = lines.setdefault(tuple([x // c for x in x]), [0, 0])
                sums[0] += v[i // data.patches] * size
                sums[1] -= v[i // data.patches] * size * (c < 0)
        W, one = [integers(row, len(row)) for row in basis["rows"]], 4**k
        columns = [*zip(*W, strict=True)]
        demand(len(W) == data.d >= len(columns) > 0, "a basis for other data")
        top, bottom = 2 * unit.numerator << bits, 2 * unit.denominator << k
        self.L = [0 for _ in columns]
        for p, (weight, lost) in lines.items():
            image = [dot(p, q) for q in columns]
            left = sum([abs(x * one - dot(image, q)) for x, q in zip(p, W)])
            rest += (abs(weight) + abs(lost)) * left
            self.L = [s + lost * top * x for s, x in zip(self.L, image)]
            if weight:
                row = [abs(weight) * top * x for x in image]
                self.a.append([(x + bottom // 2) // bottom for x in row])
                self.e.append(1 if weight > 0 else -1)
        self.L = [(x + bottom // 2) // bottom for x in self.L]
        gram = [[dot(p, q) - one * (p is q) for q in columns] for p in columns]
        most = max([sum(map(abs, g)) for g in gram])
        room = (one - rest * unit) * 2**bits / (one + most)
        self.r = len(columns)
        self.R = math.floor(room) - ((len(self.a) + 1) * self.r + 1) // 2
        demand(self.R > 0, "rounding takes all of the bound: more bits are needed")


class Cone:
    """A cone by lists with a number for each vertex; a cut is (row, e, its values)."""

    def __init__(self, rows, entries, linear, cuts, sides):
        self.rows, self.entries, self.linear, self.sides = rows, entries, linear, sides
        self.cuts = [cut for cut in cuts if min(cut[2]) < 0 < max(cut[2])]
        for e, values in [cut[1:] for cut in cuts if min(cut[2]) >= 0]:
            self.linear = [x + e * y for x, y in zip(self.linear, values)]

    @classmethod
    def orthant(cls, rows, sign, number):
        """Return an orthant, for g or -g: bits of the number are negative axes."""
        demand(rows.r <= 16, "too many orthants")
        ends = [(1 << rows.depth) * (-1) ** (number >> j & 1) for j in range(rows.r)]
        entries = [[x * (i == j) for j, x in enumerate(ends)] for i in range(rows.r)]
        linear, *values = ([x * y for x, y in zip(a, ends)] for a in (rows.L, *rows.a))
        cuts = [(k, sign * e, s) for k, (e, s) in enumerate(zip(rows.e, values))]
        return cls(rows, entries, [sign * x for x in linear], cuts, [])

    def halves(self, i, j):
        """Return the two cones that have the middle of an edge for one of its ends."""
        integers([i, j], 2, 0, self.rows.r - 1)
        odd = any((s[i] + s[j]) & 1 for s in self.entries)
        demand(i != j and not odd, "the middle of an edge is no integer vector")

        def moved(lists, k):
            return [[*s[:k], s[i] + s[j] >> 1, *s[k + 1 :]] for s in lists]

        for k in (j, i):
            (linear,), sides = moved([self.linear], k), moved(self.sides, k)
            cuts = [(row, e, *moved([s], k)) for row, e, s in self.cuts]
            yield Cone(self.rows, moved(self.entries, k), linear, cuts, sides)

    def parts(self, number):
        """Return the parts of the cone on either side of a row that cuts it."""
        cut = [(e, s) for row, e, s in self.cuts if [row] == integers([number], 1)]
        demand(cut, "the row does not cut the cone")
        ((e, values),), cuts = cut, [cut for cut in self.cuts if cut[0] != number]
        for side in (-1, 1):
            linear = [x + e * y * (side > 0) for x, y in zip(self.linear, values)]
            sides = [*self.sides, [side * x for x in values]]
            yield Cone(self.rows, self.entries, linear, cuts, sides)

    def bound(self, mix, top, scale, p, unit=0, shares=(), multipliers=()):
        """Demand that ``g(w) <= (p / 2^scale).w <= R |w|`` on the cone: a leaf."""
        R, bits, given = self.rows.R, self.rows.bits, dict(shares)
        integers([mix, top, scale, unit], 4, 0, bits)
        integers(p, self.rows.r)
        demand(mix <= 4 and top < len(p), "a leaf of other data")
        integers([*given.values()], len(given), 0, 1 << unit)
        b = integers([*multipliers], len(self.sides), 0) if multipliers else []
        terms = [[x << unit + 2 for x in self.linear]]
        for row, e, s in self.cuts:
            t = (4 - mix) * (sum(s) > 0) + mix * (sum(s) + 3 * s[top] > 0) << unit
            t = 4 * given[row] if row in given else t
            terms.append([(x > 0) * x << unit + 2 if e > 0 else -t * x for x in s])
        terms += [[4 * y * x for x in s] for y, s in zip(b, self.sides)]
        for values, vertex in zip(zip(*terms), zip(*self.entries)):
            room = dot(p, vertex) << bits - scale + unit + 2
            demand(sum(values) <= room, "at a vertex the vector is too short")
        demand(dot(p, p) << 2 * (bits - scale) <= R * R, "the vector is too long")


class Part:
    """The part of the unit sphere where each facet ``(c, n)`` has ``c + n.w >= 0``."""

    def __init__(self, rows, sign, facets):
        self.rows, self.sign, self.facets = rows, sign, facets

    def halves(self, *numbers):
        """Return the parts on either side of a hyperplane."""
        for side in (-1, 1):
            facet = [side * x for x in integers([*numbers], self.rows.r + 1)]
            yield Part(self.rows, self.sign, [*self.facets, facet])

    def plus(self, start, multipliers):
        """Add facets with multipliers of at least 0 to a function c + n.w, / 4^K."""
        for b, facet in zip(integers(multipliers, len(multipliers), 0), self.facets):
            start = [s + b * x for s, x in zip(start, facet)]
        return start

    def above(self, a, multipliers):
        """Bound a.w from above: it is at most c + n.w, that at most c + |n|."""
        K = self.rows.bits
        c, *n = self.plus([x << K for x in (0, *a)], multipliers)
        return (c + math.isqrt(dot(n, n)) >> K) + 1

    def term(self, a, e, M, down, up, more):
        """Return c and h, a function, / 8^K: ``2 e (a.w)_+ <= c + (a.w) h(w)``."""
        K, one, c = self.rows.bits, 1 << self.rows.bits, 0
        low, high = -self.above([-x for x in a], down), self.above(a, up)
        if low >= 0 or high <= 0:
            return 0, [2 * e * (low >= 0) << 3 * K, *[0 for _ in a]]
        if e > 0:
            A, B = integers(more, 2)
            demand(B >= 0, "a parabola has no top")
            for slope, end in ((one - A << K, high), (one + A << K, -low)):
                if 0 < slope < 2 * B * end:
                    c = max(c, -(-slope * slope // (4 * B)))
                else:
                    c = max(c, (slope - B * end) * end * (slope > 0))
            return c, [one + A << 2 * K, *[B * x << K for x in a]]
        q, rho, tau = integers(more, 3)
        image = [dot(a, line) for line in M]
        size = (abs(tau) * (math.isqrt(dot(image, image)) + 1) >> 2 * K) + 1
        most = max([abs((q << K) + rho * x) for x in (low, high)])
        demand(most <= one - size << K, "a policy exceeds 1")
        slopes = [-tau * x - (rho * y << K) for x, y in zip(image, a)]
        return 0, [-(one + q) << 2 * K, *slopes]

    def bound(self, M, terms, products, nu):
        """Demand that a quadratic form shows ``g(w) <= R`` on the part: a leaf."""
        rows, K, r, corner = self.rows, self.rows.bits, self.rows.r, 0
        M, (nu,) = [integers(line, r) for line in M], integers([nu], 1)
        fits = (len(M), len(terms)) == (r, len(rows.a))
        demand(fits and len(products) <= len(self.facets), "a leaf of other data")
        linear = [2 * self.sign * x << 3 * K for x in rows.L]
        factors = [([1, *[0 for _ in M]], [0, *linear])]
        for a, e, item in zip(rows.a, rows.e, terms):
            c, h = self.term(a, self.sign * e, M, *item)
            corner += 2 * c << K
            factors.append(([0, *a], h))
        for facet, (y, z, multipliers) in zip(self.facets, products):
            length, *z = start = integers([y, *z], r + 1)
            demand(length >= 0 and dot(z, z) <= length**2, "a multiplier is negative")
            h = self.plus([x << K for x in start], multipliers)
            factors.append((facet, [x << K for x in h]))
        left, right = ([*zip(*side)] for side in zip(*factors))
        S = [[dot(p, q) for q in right] for p in left]
        S = [[-x - y for x, y in zip(*both)] for both in zip(S, zip(*S))]
        S[0][0] -= corner
        # rounding down changes the values on vectors v by at most (r + 1) |v|^2
        for i, x in enumerate([4 * rows.R - nu, *[nu for _ in M]]):
            S[i][i] += (x << 3 * K) - (r + 1 << 2 * K)
        S, last = [[x >> 2 * K for x in line] for line in S], 1
        while S:  # positive definite: its leading minors are positive (Bareiss)
            (t, *right), *rest = S
            demand(t > 0, "the form is not below R")
            S = [
                [(t * y - x * z) // last for y, z in zip(row, right)]
                for x, *row in rest
            ]
            last = t


def step(waiting, item, rows, found):
    """Take one step through a tree; its root is added to those found."""
    kind, *rest = item
    if not waiting:
        demand(kind == "o", "expected the root of a tree")
        sign, number = root = (*integers(rest, 2, -1, 2**rows.r - 1),)
        demand(abs(sign) == 1 and root not in found, "no new root")
        found.add(root)
        whole = number == -1
        waiting.append(Part(rows, sign, []) if whole else Cone.orthant(rows, *root))
        return
    part = waiting.pop()
    if isinstance(part, Cone):
        steps = {"b": part.halves, "s": part.parts, "p": part.bound}
    else:
        steps = {"h": part.halves, "q": part.bound}
    demand(kind in steps, f"expected {' or '.join(steps)}")
    waiting += steps[kind](*rest) or ()


def check(paths, table, place):
    """Check the pieces of a proof; return lower and upper bound, claim and n."""
    found, first = set(), None
    for path in paths:
        with open(path, encoding="utf-8") as stream:
            lines = enumerate(iter(lambda: stream.readline(LONGEST), ""), 1)
            place[0] = path
            head = [line for place[1], line in islice(lines, 4)]
            demand(first in (None, head) and len(head) == 4, "four other lines first")
            if first is None:
                first, (claim, network, dual, how) = head, map(parsed, head)
                demand(claim["format"] == FORMAT, "the format is unknown")
                name, parameter = claim["loss"]
                beta, unit = dyadic(claim["beta"]), dyadic([1, dual["exponent"]])
                demand(beta > 0, "beta is not positive")
                data = Data(claim["data"], name, read_samples(claim["data"], table))
                v = integers(dual["values"], len(data.y))
                rows = Rows(data, v, unit / beta, how)
                loss = name, dyadic(parameter)
                found_bounds = bounds(data, v, unit, network, loss, beta)
            waiting = []
            for place[1], line in lines:
                step(waiting, parsed(line), rows, found)
            demand(not waiting, "the proof ends within a tree")
    roots = [{number for sign, number in found if sign == side} for side in (1, -1)]
    left = sum([2**rows.r - len(some) for some in roots if -1 not in some])
    demand(not left, f"{left} roots of trees are missing")
    return *found_bounds, claim, len(data.y)


def shown(x, way):
    """Return 13 digits of a number, rounded up or down."""
    digits = decimal.Context(13, way, Emin=-(10**6), Emax=10**6)
    return digits.divide(*map(decimal.Decimal, x.as_integer_ratio()))


def main(arguments):
    """Print what a proof proves and return 0, or why it proves nothing and return 1."""
    if len(arguments) < 2:
        print("usage: checker.py PROOF [PROOF ...] DATA.csv")
        return 2
    place, (*names, table) = ["", 0], arguments
    try:
        lower, upper, claim, n = check(names, table, place)
    except Exception as error:  # whatever it is, nothing is proven
        own = isinstance(error, Rejected | OSError)
        reason = error if own else f"something is missing or of another kind ({error})"
    else:
        how, gap = claim["data"], (upper - lower) / upper if upper else upper
        names = [ascii(name) for _, name in [how["target"], *how["columns"]]]
        (name, t), beta = claim["loss"], dyadic(claim["beta"])
        print(f"data   {n} rows, {names[0]} from {', '.join(names[1:])}")
        if how.get("classes"):
            print("class  -1 is {}, 1 is {}".format(*map(ascii, how["classes"])))
        print(f"loss   {name}, parameter {dyadic(t)}; beta {beta}")
        print(f"upper  {shown(upper, UP)}: what the network of the proof attains")
        print(f"lower  {shown(lower, DOWN)}: no network is below it")
        print(f"gap    {shown(gap, UP)}, relative")
        return 0
    at = f"{place[0]}, line {place[1]}: " if place[1] else ""
    print(ascii(f"not proven: {at}{reason}")[1:-1][:300])
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
