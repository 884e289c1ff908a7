"""Check a proof that no linear or circular CNN is much better than a given one.

    python -m convex_solver.linear_checker PROOF DATA.csv

One file, the standard library alone, nothing of the program that wrote the proof; what
decides is integers and fractions.  ``proofs/LINEAR.md`` describes the proof's lines.

**Claim.**  Sample i has patches ``x_i1 .. x_iK`` of d numbers and targets ``y_i`` of C
numbers.  A network of any width has the objective

    F = 1/2 sum_i |f_i - y_i|^2 + beta/2 (sum_j |u_j|^2 + sum_j |w_j|^2),
    f_ic = sum_j sum_k (x_ik . u_j) w_jkc                    if it is linear,
    f_i = sum_j sum_ab x_ia u_j[(a - b) mod d] w_jb          if it is circular

(there K and C are 1).  That of the proof has ``F <= upper``.  For any v, ``1/2 |f -
y|^2 >= v.f - v.y - |v|^2 / 2``, and ``v.f = sum_j u_j^T B w_j`` with ``B[a, kc] = sum_i
v_ic x_ika``, or with ``B[a, b] = g[(a + b) mod d]``, ``g = sum_i v_i x_i``.  If no
singular value of B is above beta, that is at least ``-beta sum_j |u_j| |w_j|``, so at
least ``-beta/2 sum_j (|u_j|^2 + |w_j|^2)``: none has ``F < lower = -v.y - |v|^2 / 2``.

The least weights that meet all targets have F without its first term, for networks with
``f = y``: then ``lower = -v.y``.

That no singular value is above beta follows where ``beta^2 I - B B^T``, or ``beta^2 I -
B^T B``, is positive definite: where its leading minors are positive.
"""

import csv
import decimal
import hashlib
import json
import math
import re
import sys
from fractions import Fraction

FORMAT = "convex-relu linear proof 1"
LONGEST = 2**26  # characters of a line
BIG = 2**4096  # no integer of a proof is larger
NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,3})?")
UP, DOWN = decimal.ROUND_CEILING, decimal.ROUND_FLOOR


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
    """Return the scalar product of lists that are equally long."""
    return sum([x * y for x, y in zip(p, q, strict=True)])


def read_samples(how, path):
    """Return the numbers of all records but those left out above."""
    (skip,), samples = integers([how["skip"]], 1, 0), []
    kind = float if how["floats"] == "binary" else str
    with open(path, encoding="utf-8-sig", newline="") as stream:
        records = csv.reader(stream, delimiter=how["separator"])
        for number, record in enumerate(filter(None, records), 1):
            texts = [text.strip() for text in record]
            fits = number <= skip or all(map(NUMBER.fullmatch, texts))
            where = f"record {number} of the table"
            demand(fits, f"{where} has something else than a number")
            if number > skip:
                samples.append([Fraction(kind(text)) for text in texts])
    text = "".join([",".join(map(str, s)) + "\n" for s in samples])
    digest = hashlib.sha256(text.encode()).hexdigest()
    demand(digest == how["sha256"], "the table has other data")
    return samples


def outputs(circular, x, neurons, K, C):
    """Return the outputs of the network for the patches x of one sample."""
    d, f = len(x) // K, [Fraction(0)] * C
    for u, w in neurons:
        if circular:
            turned = ([u[(a - b) % d] for a in range(d)] for b in range(d))
            f[0] += dot([dot(x, line) for line in turned], w)
        else:
            hidden = [dot(x[k * d : (k + 1) * d], u) for k in range(K)]
            f = [s + dot(hidden, w[c::C]) for c, s in enumerate(f)]
    return f


def matrix(circular, X, V, K):
    """Return the matrix B of the claim, by lists."""
    d, columns = len(X[0]) // K, [*zip(*X)]
    if circular:
        g = [dot(column, [v[0] for v in V]) for column in columns]
        return [[g[(a + b) % d] for b in range(d)] for a in range(d)]
    tall = [[dot(column, v) for v in zip(*V)] for column in columns]
    return [sum([tall[k * d + a] for k in range(K)], []) for a in range(d)]


def is_below(B, beta):
    """Whether minors show that all singular values of B are below beta."""
    B = B if len(B) <= len(B[0]) else [*zip(*B)]
    unit = math.lcm(beta.denominator, *(x.denominator for line in B for x in line))
    B = [[int(x * unit) for x in line] for line in B]
    S = [[-dot(p, q) for q in B] for p in B]
    for k, line in enumerate(S):
        line[k] += int(beta * unit) ** 2
    last = 1
    while S:  # elimination without fractions (Bareiss): pivots are minors
        (t, *right), *rest = S
        if t <= 0:
            return False
        S = [[(t * y - x * z) // last for y, z in zip(row, right)] for x, *row in rest]
        last = t
    return True


def check(path, table):
    """Check a proof; return lower and upper bound, claim and n."""
    with open(path, encoding="utf-8") as stream:
        head = [stream.readline(LONGEST) for _ in range(4)]
    demand(head[2] and not head[3], "a proof has three lines")
    parts = []
    for number, line in enumerate(head[:3], 1):
        try:
            parts.append(parsed(line))
        except ValueError as error:
            raise Rejected(f"line {number}: {error}") from error
    claim, network, dual = parts
    kind, loss = claim["architecture"], claim["loss"]
    known = kind in ("linear", "circular") and loss in ("squared", "exact")
    demand(claim["format"] == FORMAT and known, "the format is unknown")
    beta = rational(claim["beta"])
    demand(beta > 0, "beta is not positive")
    K, C = integers([claim["patches"], claim["outputs"]], 2, 1, 2**20)
    samples, circular = read_samples(claim["data"], table), kind == "circular"
    fits = (K, C) == (1, 1) or not circular
    demand(fits and samples, "no samples, or no such patches or outputs")
    width = len(samples[0]) - C
    fits = width > 0 and width % K == 0 and {*map(len, samples)} == {width + C}
    demand(fits, "the table has other columns")
    X, Y = [s[:width] for s in samples], [s[width:] for s in samples]
    d, n = width // K, len(samples)
    neurons = [[[rational(x) for x in part] for part in pair] for pair in network]
    sizes = d, d if circular else K * C
    demand({tuple(map(len, x)) for x in neurons} <= {sizes}, "a network for other data")
    upper = beta / 2 * sum(x * x for u, w in neurons for x in (*u, *w))
    unit = rational([1, dual["exponent"]])
    v = [x * unit for x in integers(dual["values"], n * C)]
    lower = -dot(v, sum(Y, []))
    for x, y in zip(X, Y):
        missed = [a - b for a, b in zip(outputs(circular, x, neurons, K, C), y)]
        upper += dot(missed, missed) / 2
        demand(loss == "squared" or not any(missed), "the network misses a target")
    lower -= dot(v, v) / 2 if loss == "squared" else 0
    V = [v[i * C : (i + 1) * C] for i in range(n)]
    demand(is_below(matrix(circular, X, V, K), beta), "the dual norm is above beta")
    return max(lower, Fraction(0)), upper, claim, n


def shown(x, way):
    """Return 13 digits of a number, rounded up or down."""
    digits = decimal.Context(13, way, Emin=-(10**6), Emax=10**6)
    return digits.divide(*map(decimal.Decimal, x.as_integer_ratio()))


def main(arguments):
    """Print what a proof proves and return 0, or why it proves nothing and return 1."""
    if len(arguments) != 2:
        print("usage: linear_checker.py PROOF DATA.csv")
        return 2
    try:
        lower, upper, claim, n = check(*arguments)
    except Exception as error:  # whatever it is, nothing is proven
        own = isinstance(error, Rejected | OSError)
        reason = error if own else f"something is missing or of another kind ({error})"
        print(ascii(f"not proven: {arguments[0]}: {reason}")[1:-1][:300])
        return 1
    gap, what = upper - lower, (claim["architecture"], claim["loss"])
    print(f"data   {n} samples of {claim['patches']} patches")
    print(f"claim  {what[0]} CNN, loss {what[1]}; beta {rational(claim['beta'])}")
    print(f"upper  {shown(upper, UP)}: what the network of the proof attains")
    print(f"lower  {shown(lower, DOWN)}: no network is below it")
    print(f"gap    {shown(gap / upper if upper else gap, UP)}, relative")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
