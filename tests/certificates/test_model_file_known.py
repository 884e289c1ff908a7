"""What a model file may not say, one kind at a time, with a digest that fits."""

import copy
import hashlib
import json
import math
import os
from types import SimpleNamespace

import pytest

from convex_solver import (
    ClaimNotReproducedError,
    DigestMismatchError,
    InputError,
    InputTypeError,
    ModelFileError,
    TwoLayerReLU,
    certify,
    certify_model,
    load_model,
    save_model,
)

X = [[1.0, 0.5], [0.3, -1.0], [2.0, 2.0], [-1.0, 0.25]]
Y = [1.0, 2.0, -1.0, 0.5]
NETWORK = TwoLayerReLU([[1.0, 0.5]], [0.7])


def digest(content):
    parts = {name: value for name, value in content.items() if name != "digest"}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def certificate():
    return certify(NETWORK, X, Y, 0.1)


@pytest.fixture
def file(tmp_path, certificate):
    """Path, content, and how to write another content with a digest that fits."""
    path = tmp_path / "model.json"
    save_model(path, SimpleNamespace(network=NETWORK, certificate=certificate))
    content = json.loads(path.read_text())
    assert content["digest"] == digest(content)

    def write(change):
        other = copy.deepcopy(content)
        change(other)
        other["digest"] = digest(other)
        path.write_text(json.dumps(other))
        return path

    return SimpleNamespace(path=path, content=content, write=write)


def test_a_file_holds_no_claim_that_nothing_checks(file):
    assert set(file.content["claim"]) == {
        *("upper_bound", "lower_bound", "beta", "loss", "data_digest", "dual"),
        "leaves",
    }


def test_files_of_the_formats_before_are_read(file):
    def without_leaves(content):
        content["format"] = "convex-relu model 2"
        del content["claim"]["leaves"], content["classes"]

    model = load_model(file.write(without_leaves))
    assert model.claim.leaves == ()
    assert model.claim.upper_bound == file.content["claim"]["upper_bound"]

    def without_classes(content):
        content["format"] = "convex-relu model 3"
        del content["classes"]

    assert load_model(file.write(without_classes)).classes is None

    def with_leaves(content):
        content["format"] = "convex-relu model 2"
        del content["classes"]

    with pytest.raises(ModelFileError, match="leaves"):
        load_model(file.write(with_leaves))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("upper_bound", math.inf, "Infinity is no finite number"),
        ("upper_bound", -math.inf, "-Infinity is no finite number"),
        ("lower_bound", math.nan, "NaN is no finite number"),
        ("upper_bound", 10**400, "upper_bound is 1000.*; expected a finite number"),
        ("upper_bound", 10**399, "upper_bound is 1000.*; expected a finite number"),
        ("upper_bound", "1", "upper_bound is '1'; expected a finite number"),
        ("lower_bound", None, "lower_bound is None; expected a finite number"),
        ("lower_bound", True, "lower_bound is True; expected a finite number"),
        ("lower_bound", -1e-300, "lower_bound is -1e-300; expected a number from 0"),
        ("lower_bound", 1e300, "lower_bound is 1e.300; expected a number from 0 to"),
        ("beta", 0.0, "beta is 0.0; expected a number above 0"),
        ("beta", "0.1", "beta is '0.1'; expected a finite number"),
        ("loss", "squarred", "loss is 'squarred'; expected the name of a loss"),
        ("dual", [1.0, "2"], "dual is list; expected finite numbers"),
        ("dual", {}, "dual is dict; expected finite numbers"),
        ("gap", 0.0, "the claim has 'gap', which no such file has"),
        ("n_patterns", 10**9, "the claim has 'n_patterns', which no such file has"),
        ("proof", "by hand", "the claim has 'proof', which no such file has"),
        ("max_price", 0.0, "the claim has 'max_price', which no such file has"),
    ],
)
def test_claims_that_cannot_be_are_named(file, name, value, message):
    if value == 10**400:
        message = "an integer has 401 digits"
    path = file.write(lambda content: content["claim"].update({name: value}))
    with pytest.raises(ModelFileError, match=rf"model\.json.*{message}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("alphas", [10**399], "alphas is list; expected finite numbers"),
        ("alphas", [1.0, 2.0], "weights have shape"),
        ("n_inputs", 10**18, "n_inputs is 10{18}; expected an integer from 0"),
        ("n_inputs", 2.0, "n_inputs is 2.0; expected an integer"),
        ("n_inputs", 3, "feature_names is list; expected 3 names"),
        ("weights", [[1.0]], "weights is list; expected finite numbers of shape"),
        ("intercept", 1, "intercept is 1; expected true or false"),
        ("feature_names", "ab", "feature_names is 'ab'; expected a list of texts"),
        ("extra", 1, "has 'extra', which no such file has"),
    ],
)
def test_networks_that_cannot_be_are_named(file, name, value, message):
    path = file.write(lambda content: content["network"].update({name: value}))
    with pytest.raises(ModelFileError, match=rf"model\.json: the network.*{message}"):
        load_model(path)


def test_whatever_is_changed_the_digest_shows_it(file):
    for change in (
        lambda content: content.update(target_name="z"),
        lambda content: content.update(weight_name="w"),
        lambda content: content.update(floats="decimal"),
        lambda content: content["claim"].update(upper_bound=100.0),
        lambda content: content["network"].update(feature_names=["b", "a"]),
    ):
        other = copy.deepcopy(file.content)
        change(other)
        file.path.write_text(json.dumps(other))
        with pytest.raises(DigestMismatchError, match=r"model\.json: the digest does"):
            load_model(file.path)


def test_text_that_says_two_things_or_none_is_refused(file):
    text = file.path.read_text()
    for other, message in (
        (text.replace('"beta"', '"beta": 7, "beta"'), "the key 'beta' stands twice"),
        ('{"a":' + "[" * 200_000 + "]" * 200_000 + "}", "nested too deeply"),
        (text[:-30], "no JSON at line"),
        (text.replace("0.7", "0.7.7"), "no JSON at line"),
        (text.replace("0.7", "7e400"), "the number 7e400 is beyond float64"),
        ("\ufeff" + text, "no JSON at line 1"),
    ):
        file.path.write_text(other)
        with pytest.raises(
            ModelFileError, match=rf"model\.json is damaged: .*{message}"
        ):
            load_model(file.path)
    file.path.write_bytes(text.encode("utf-16"))
    with pytest.raises(ModelFileError, match="byte 0 is no UTF-8 text"):
        load_model(file.path)


def test_files_of_the_format_before_are_refused_by_name(file):
    path = file.write(lambda content: content.update(format="convex-relu model 1"))
    with pytest.raises(ModelFileError, match=r"has format 'convex-relu model 1'.*Fit"):
        load_model(path)


@pytest.mark.parametrize("name", ["upper_bound", "lower_bound"])
def test_a_bound_better_by_an_ulp_is_not_confirmed(file, name):
    found = certify_model(load_model(file.path), X, Y)
    exact = getattr(found, name)
    towards = 0.0 if name == "upper_bound" else math.inf
    file.write(lambda content: content["claim"].update({name: exact}))
    certify_model(load_model(file.path), X, Y)
    better = math.nextafter(exact, towards)
    file.write(lambda content: content["claim"].update({name: better}))
    with pytest.raises(ClaimNotReproducedError, match="claimed"):
        certify_model(load_model(file.path), X, Y)


def test_a_dual_point_of_another_length_is_not_confirmed(file):
    path = file.write(lambda content: content["claim"]["dual"].append(0.0))
    with pytest.raises(ClaimNotReproducedError, match="has 5 entries; the data have 4"):
        certify_model(load_model(path), X, Y)


def test_the_dual_point_of_a_claim_is_read_only(file):
    with pytest.raises(ValueError, match="read-only"):
        load_model(file.path).claim.dual[0] = 1.0


def test_only_what_is_certified_is_saved(tmp_path, certificate):
    path = tmp_path / "other.json"
    with pytest.raises(InputTypeError, match="solution is TwoLayerReLU; expected"):
        save_model(path, NETWORK)
    bad = SimpleNamespace(network=NETWORK, certificate=copy.copy(certificate))
    object.__setattr__(bad.certificate, "upper_bound", math.inf)
    with pytest.raises(InputError, match="claim nothing that a file could hold"):
        save_model(path, bad)
    with pytest.raises(InputError, match="floats='both'; expected one of"):
        save_model(path, bad, floats="both")
    assert os.listdir(tmp_path) == []


def test_the_gap_of_a_claim_follows_from_its_bounds(file):
    claim = load_model(file.path).claim
    exact = (claim.upper_bound - claim.lower_bound) / claim.upper_bound
    assert claim.gap == pytest.approx(exact, rel=1e-12)
