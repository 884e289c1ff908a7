"""Altered model files: what is read is what was written, or it is refused.

A claim that passes `certify_model` is true, whoever computed the digest.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
from fractions import Fraction

import numpy as np
import pytest

from arrangement import ArrangementError
from convex_solver import (
    CertificateError,
    CircularCNN,
    ConvexProgram,
    LinearCNN,
    ModelFileError,
    TwoLayerReLU,
    certify_model,
    load_model,
    save_model,
    solve,
)

from fuzz.alterations import (
    altered_bytes,
    altered_document,
    attempt,
    check_refusal,
    near,
    run_cases,
    to_json,
    with_twin,
)

X = [[1.0, 0.5], [0.3, -1.0], [2.0, 2.0], [-1.0, 0.25], [0.0, 1.5]]
Y = [1.0, 2.0, -1.0, 0.5, -0.25]
SIGNS = [1.0, -1.0, -1.0, 1.0, -1.0]
COUNTS = [0.0, 1.0, 3.0, 0.0, 2.0]
WEIGHTS = [1.0, 2.0, 0.5, 1.0, 0.25]
BASES = (
    ({}, Y, None, "binary"),
    ({"intercept": True, "standardize": True}, Y, None, "binary"),
    ({"intercept": True}, Y, WEIGHTS, "decimal"),
    ({"loss": "logistic"}, SIGNS, None, "binary"),
    ({"loss": "poisson", "intercept": True}, COUNTS, None, "decimal"),
    ({"loss": "quantile:0.75"}, Y, WEIGHTS, "binary"),
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Model files as they were written: path, document, model, data."""
    folder = tmp_path_factory.mktemp("models")
    found = []
    for k, (options, y, weights, floats) in enumerate(BASES):
        program = ConvexProgram(
            X, y, 0.1, sample_weight=weights, floats=floats, **options
        )
        solution = solve(program, tol=1e-3)
        path = folder / f"{k}.json"
        save_model(path, solution, floats=floats)
        raw = path.read_bytes()
        found.append((raw, json.loads(raw), load_model(path), y, weights))
    return found


def seal(document):
    """Compute the digest anew, as an attacker can."""
    parts = {name: value for name, value in document.items() if name != "digest"}
    try:
        # as the reader sees it: a part that stands as it is may be a number
        read = json.loads(to_json(parts))
    except (ValueError, RecursionError):
        read = {}
    text = json.dumps(read, sort_keys=True, separators=(",", ":"))
    return parts | {"digest": hashlib.sha256(text.encode()).hexdigest()}


def better_claim(rng, document):
    """A claim that is better than the one proven, or damaged so that it looks so."""
    out = copy.deepcopy(document)
    claim = out["claim"]
    upper, lower = claim["upper_bound"], claim["lower_bound"]
    step = rng.choice((2.0**-52, 1e-12, 1e-10, 1e-8, 1e-4, 0.1, 0.9))
    what = rng.randrange(9)
    if what == 0:
        claim["upper_bound"] = upper * (1.0 - step)
    elif what == 1:
        claim["lower_bound"] = lower * (1.0 + step)
    elif what == 2:
        claim["lower_bound"] = upper
    elif what == 3:
        claim["upper_bound"] = lower
    elif what == 4:
        claim["upper_bound"] = rng.choice((float("inf"), float("nan"), 1.7e308))
        claim["lower_bound"] = rng.choice((1e300, upper, float("inf"), float("nan")))
    elif what == 5:
        claim["gap"] = rng.choice((0.0, -1.0, float("nan"), 1e-12))
    elif what == 6:
        name = rng.choice(("n_patterns", "n_cones", "cover_bound", "max_price"))
        claim[name] = rng.choice((1, 0, 10**9, 10**30, 0.5, None))
    elif what == 7:
        claim["proof"] = "all 10**30 chambers were priced exactly"
    else:
        claim["beta"] = near(rng, claim["beta"])
    if rng.random() < 0.2:
        claim["gap"] = rng.choice(
            (0.0, (claim["upper_bound"] - claim["lower_bound"]) / (upper or 1.0))
        )
    return out


def altered_model(rng, document, raw):
    """The bytes of an altered file and whether its digest was computed anew."""
    what = rng.randrange(6)
    if what == 0:
        return altered_bytes(rng, raw), False
    if what == 1:
        text = rng.choice(
            (
                "[" * 200_000,
                '{"format": ' + "[" * 200_000 + "]" * 200_000 + "}",
                "null",
                "1e999999999999",
                "",
                "\ufeff" + raw.decode(),
                raw.decode() + raw.decode(),
                raw.decode().replace(".", "," if rng.random() < 0.5 else "..", 1),
                raw.decode().upper(),
            )
        )
        return text.encode("utf-16" if rng.random() < 0.2 else "utf-8"), False
    if what in (2, 3):
        changed = better_claim(rng, document)
        twin = None
    else:
        changed, twin = altered_document(rng, document)
    is_sealed = rng.random() < 0.6
    if is_sealed:
        changed = seal(changed)
    text = to_json(changed)
    if twin is not None:
        text = with_twin(text, str(twin[0][-1]), twin[1])
    return text.encode("utf-8", errors="surrogatepass"), is_sealed


def meaning(model):
    """Everything that a model says, as values that can be compared exactly."""
    claim = model.claim
    return repr(
        [
            model.network.to_dict(),
            *(claim.upper_bound, claim.lower_bound, claim.gap, claim.dual.tolist()),
            *(claim.beta, claim.loss, claim.data_digest, model.target_name),
            *(model.weight_name, model.floats),
        ]
    )


def exact_objective(network, y, weights, beta):
    """Objective (2) of the squared loss for floats as they are, a Fraction."""
    total = Fraction(0)
    for i, row in enumerate(X):
        values = [Fraction(x) for x in row]
        if network.center is not None:
            values = [
                x - Fraction(c)
                for x, c in zip(values, network.center.tolist(), strict=True)
            ]
        if network.scale is not None:
            values = [
                x / Fraction(s)
                for x, s in zip(values, network.scale.tolist(), strict=True)
            ]
        values += [Fraction(1)] * network.intercept
        out = Fraction(0)
        for w, a in zip(network.weights.tolist(), network.alphas.tolist(), strict=True):
            hidden = sum(Fraction(p) * q for p, q in zip(w, values, strict=True))
            out += Fraction(a) * max(hidden, Fraction(0))
        weight = Fraction(1 if weights is None else weights[i])
        total += weight * (out - Fraction(y[i])) ** 2 / 2
    flat = [*np.ravel(network.weights).tolist(), *network.alphas.tolist()]
    return total + Fraction(beta) / 2 * sum(Fraction(v) ** 2 for v in flat)


def check_claim(model, found, y, weights, best):
    """Check that what was confirmed is true."""
    claim = model.claim
    assert claim.upper_bound >= found.upper_bound, "an upper bound was believed"
    assert claim.lower_bound <= found.lower_bound, "a lower bound was believed"
    assert 0.0 <= claim.lower_bound <= claim.upper_bound < float("inf")
    assert claim.gap >= found.gap, "a gap was believed"
    assert 0.0 <= claim.gap <= 1.0
    if claim.loss == "squared" and model.floats == "binary":
        value = exact_objective(model.network, y, weights, claim.beta)
        assert Fraction(claim.upper_bound) >= value, "false upper bound"
        other = exact_objective(best.network, y, weights, claim.beta)
        assert Fraction(claim.lower_bound) <= min(value, other), "false lower bound"


def test_no_altered_model_is_believed(bases, tmp_path, fuzz_seeds):
    def case(number):
        rng = random.Random(f"model-{number}")
        raw, document, model, y, weights = rng.choice(bases)
        data, is_sealed = altered_model(rng, document, raw)
        path = tmp_path / f"{number}.json"
        path.write_bytes(data)
        found, error = attempt(Exception, lambda: load_model(path))
        path.unlink()
        if error is not None:
            check_refusal(error, path, (ModelFileError, CertificateError))
            return "refused when read"
        is_same = meaning(found) == meaning(model)
        assert is_same or is_sealed, "another model was read"
        again, error = attempt(
            ArrangementError,
            lambda: certify_model(found, X, y, sample_weight=weights),
        )
        if error is not None:
            assert not is_same, error
            assert "\n" not in str(error)
            return "refused by the data"
        check_claim(found, again, y, weights, model)
        return "same meaning" if is_same else "another true claim"

    outcomes = run_cases(case, "model", fuzz_seeds)
    assert 3 * outcomes["refused when read"] >= len(fuzz_seeds)


def test_files_as_they_were_are_certified(bases, tmp_path):
    for raw, _, model, y, weights in bases:
        path = tmp_path / "same.json"
        path.write_bytes(raw)
        assert meaning(load_model(path)) == meaning(model)
        certify_model(load_model(path), X, y, sample_weight=weights)


NETWORKS = (
    TwoLayerReLU([[1.0, -0.5, 2.0]], [0.7], intercept=True, scale=[2.0, 0.5]),
    LinearCNN([[1.0, -1.0], [0.5, 2.0]], [[1.0, 0.0, 2.0], [3.0, -1.0, 0.25]]),
    CircularCNN([[0.0, 1.0, 0.0]], [[1.0, 2.0, 3.0]]),
)


def test_altered_networks_are_networks_or_refused(tmp_path, fuzz_seeds):
    """Files of networks claim nothing and have no digest: another may be read."""

    def case(number):
        rng = random.Random(f"network-{number}")
        network = rng.choice(NETWORKS)
        path = tmp_path / f"{number}.json"
        network.save(path)
        raw = path.read_bytes()
        if rng.random() < 0.4:
            path.write_bytes(altered_bytes(rng, raw))
        else:
            document, twin = altered_document(rng, json.loads(raw))
            text = to_json(document)
            if twin is not None:
                text = with_twin(text, str(twin[0][-1]), twin[1])
            path.write_text(text, encoding="utf-8", errors="surrogatepass")
        found, error = attempt(Exception, lambda: type(network).load(path))
        path.unlink()
        if error is not None:
            check_refusal(error, path, ModelFileError)
            return "refused"
        document = found.to_dict()
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        return "same" if document == network.to_dict() else "another network"

    outcomes = run_cases(case, "network", fuzz_seeds)
    assert 3 * outcomes["refused"] >= len(fuzz_seeds)
