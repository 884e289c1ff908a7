"""The estimators that choose beta, against searches that know nothing of paths."""

import os
import pickle
import signal
import threading
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from convex_solver import (
    ConvexProgram,
    ConvexReLUClassifier,
    ConvexReLUClassifierCV,
    ConvexReLURegressor,
    ConvexReLURegressorCV,
    beta_max,
    certify,
)

RANDOM = np.random.default_rng(3)
# one column: what is tested here has nothing to do with how long a proof takes
X = RANDOM.standard_normal((24, 1))
Y = np.abs(X[:, 0]) + 0.1 * RANDOM.standard_normal(24)
LABELS = np.where(np.median(Y) < Y, "high", "low")
THREE = np.array(["a", "b", "c"])[np.digitize(Y, np.quantile(Y, [0.3, 0.6]))]
WEIGHTS = RANDOM.integers(0, 3, 24).astype(float)
BETAS = [0.03, 3.0, 0.3]
FOLDS = KFold(3, shuffle=True, random_state=0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        ConvexReLURegressorCV([50.0], cv=2, tol=0.5, max_cones=1000),
        ConvexReLUClassifierCV([1.0], cv=2, tol=0.1, max_cones=1000),
    ],
    # rows twice or weighted twice are not the same folds, as of any such estimator
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "folds are of rows",
    },
)
def test_conventions_of_scikit_learn_hold_for_cross_validation(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["regression", "two classes", "three classes"])
def test_scores_and_choice_are_those_of_a_search(case):
    plain, chooser, targets, scoring = {
        "regression": (ConvexReLURegressor, ConvexReLURegressorCV, Y, None),
        "two classes": (
            ConvexReLUClassifier,
            ConvexReLUClassifierCV,
            LABELS,
            "neg_log_loss",
        ),
        "three classes": (ConvexReLUClassifier, ConvexReLUClassifierCV, THREE, None),
    }[case]
    options = {"cv": FOLDS, "scoring": scoring}
    model = chooser(BETAS, tol=1e-8, **options).fit(X, targets)
    search = GridSearchCV(plain(tol=1e-8), {"beta": sorted(BETAS)[::-1]}, **options)
    search.fit(X, targets)
    assert model.betas_.tolist() == sorted(BETAS)[::-1]
    found, expected = model.cv_results_, search.cv_results_
    for name in ["split0", "split1", "split2", "mean", "std"]:
        name += "_test_score"
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-4)
    assert found["rank_test_score"].tolist() == expected["rank_test_score"].tolist()
    assert model.beta_ == search.best_params_["beta"]
    best = search.best_estimator_
    assert np.sum(model.objective_) == pytest.approx(np.sum(best.objective_), rel=1e-7)
    assert np.mean(model.predict(X) == best.predict(X)) == 1.0 or case == "regression"
    assert np.max(model.gap_) <= 1e-8
    assert found["gap"].max() <= 1e-8
    assert found["fold_gap"].max() <= 1e-8


@pytest.mark.slow
def test_the_network_kept_is_certified_for_all_rows():
    model = ConvexReLURegressorCV(BETAS, cv=3).fit(X, Y)
    again = certify(model.network_, X, Y, model.beta_, dual=model.certificate_.dual)
    assert again.gap <= 1.1 * model.tol
    at = model.betas_.tolist().index(model.beta_)
    assert model.cv_results_["objective"][at] == model.objective_
    assert model.cv_results_["lower_bound"][at] == model.lower_bound_
    assert model.cv_results_["n_neurons"][at] == model.network_.n_neurons


@pytest.mark.slow
def test_the_grid_falls_from_the_largest_beta():
    model = ConvexReLURegressorCV(n_betas=4, eps=0.01, cv=2, tol=1e-3).fit(X, Y)
    most = beta_max(ConvexProgram(X, Y, 1.0, standardize=True, intercept=True))
    expected = most * np.array([1.0, 0.01 ** (1 / 3), 0.01 ** (2 / 3), 0.01])
    np.testing.assert_allclose(model.betas_, expected, rtol=1e-6)
    assert model.cv_results_["n_neurons"][0] == 0
    assert model.cv_results_["n_neurons"][1:].min() > 0


@pytest.mark.slow
def test_the_rule_of_one_standard_error_takes_no_smaller_beta():
    noisy = Y + 0.4 * np.random.default_rng(5).standard_normal(24)
    options = {"betas": [3.0, 0.5, 0.4, 0.3, 0.03], "cv": FOLDS, "tol": 1e-3}
    best = ConvexReLURegressorCV(**options).fit(X, noisy)
    simple = ConvexReLURegressorCV(**options, rule="one_se").fit(X, noisy)
    results = best.cv_results_
    at = results["beta"].tolist().index(best.beta_)
    error = results["std_test_score"][at] / np.sqrt(2)  # ddof=1 of three folds
    near = results["mean_test_score"] >= results["mean_test_score"][at] - error
    assert simple.beta_ == results["beta"][near].max()
    assert simple.beta_ >= best.beta_
    with pytest.raises(ValueError, match=r"rule='two_se' is unknown"):
        ConvexReLURegressorCV(rule="two_se").fit(X, Y)


@pytest.mark.slow
@pytest.mark.parametrize("chooser", [ConvexReLURegressorCV, ConvexReLUClassifierCV])
def test_threads_change_nothing(chooser):
    targets = Y if chooser is ConvexReLURegressorCV else THREE
    one = chooser(BETAS, cv=3, tol=1e-4).fit(X, targets)
    two = chooser(BETAS, cv=3, tol=1e-4, n_jobs=2).fit(X, targets)
    assert one.beta_ == two.beta_
    for name, values in one.cv_results_.items():
        assert np.array_equal(values, two.cv_results_[name]), name
    assert np.array_equal(one.predict(X), two.predict(X))


def test_weights_count_in_fits_and_in_scores():
    model = ConvexReLURegressorCV([0.3], cv=FOLDS, tol=1e-8)
    model.fit(X, Y, sample_weight=WEIGHTS)
    for k, (train, test) in enumerate(FOLDS.split(X)):
        own = ConvexReLURegressor(0.3, tol=1e-8)
        own.fit(X[train], Y[train], sample_weight=WEIGHTS[train])
        expected = own.score(X[test], Y[test], sample_weight=WEIGHTS[test])
        found = model.cv_results_[f"split{k}_test_score"][0]
        assert found == pytest.approx(expected, rel=1e-3)
    # a callable without weights is given none
    plain = ConvexReLURegressorCV([0.3], cv=FOLDS, scoring=lambda m, X, y: -len(y))
    plain.fit(X, Y, sample_weight=WEIGHTS)
    held = [np.sum(WEIGHTS[test] > 0) for _, test in FOLDS.split(X)]
    assert plain.cv_results_["mean_test_score"][0] == -np.mean(held)
    empty = np.where(np.arange(24) < 12, 0.0, 1.0)
    with pytest.raises(ValueError, match="fold 0 of cv: no row to score on"):
        ConvexReLURegressorCV([0.3], cv=2).fit(X, Y, sample_weight=empty)


def test_splits_and_scores_of_all_kinds():
    groups = np.arange(24) % 4
    splits = list(GroupKFold(4).split(X, Y, groups))
    scoring = make_scorer(mean_absolute_error, greater_is_better=False)
    model = ConvexReLURegressorCV([1.0, 0.1], cv=splits, scoring=scoring, tol=1e-3)
    model.fit(X, Y)
    assert "split3_test_score" in model.cv_results_
    assert np.all(model.cv_results_["mean_test_score"] < 0.0)
    both = ConvexReLURegressorCV([1.0, 0.1], cv=2, tol=1e-3)
    both.fit(X, np.column_stack([Y, -X[:, 0]]))
    assert len(both.network_) == 2
    assert both.predict(X).shape == (24, 2)
    roc = ConvexReLUClassifierCV([1.0, 0.1], cv=2, scoring="roc_auc", tol=1e-3)
    assert roc.fit(X, LABELS).cv_results_["mean_test_score"].max() > 0.5


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"betas": [1.0, 0.0]}, "beta=0.0; expected a finite number above 0"),
        ({"betas": []}, "betas is empty"),
        ({"n_betas": 0}, "n_betas=0"),
        ({"eps": 1.0}, "eps=1.0"),
        ({"cv": 25}, "25"),
        ({"tol": 0.0}, "tol"),
        ({"loss": "hinge"}, "not one of ConvexReLURegressorCV"),
        ({"betas": [1.0], "scoring": lambda *_: np.nan}, "scores are not finite"),
    ],
)
def test_parameters_of_a_choice_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        ConvexReLURegressorCV(**options).fit(X, Y)


def test_a_fold_of_one_class_is_named():
    labels = np.repeat(["a", "b"], 12)
    with pytest.raises(ValueError, match=r"fold 0 of cv: y has one class, 'b'"):
        ConvexReLUClassifierCV([1.0], cv=KFold(2)).fit(X, labels)
    kept = ConvexReLUClassifierCV([1.0], cv=StratifiedKFold(2), tol=1e-2)
    assert kept.fit(X, labels).classes_.tolist() == ["a", "b"]


def test_targets_of_zero_have_no_grid():
    with pytest.raises(ValueError, match="zero network is optimal at every beta"):
        ConvexReLURegressorCV(cv=2).fit(X, np.zeros(24))


def test_a_time_limit_leaves_whole_betas_and_says_so(monkeypatch):
    model = ConvexReLURegressorCV(n_betas=50, cv=3, time_limit=0.2, tol=1e-9)
    with pytest.warns(ConvergenceWarning) as seen:
        model.fit(X, Y)
    said = [str(one.message) for one in seen]
    count = len(model.betas_)
    assert 1 <= count < 50
    assert any(f"time limit: {count} of 50 betas were solved" in text for text in said)
    assert all(len(values) == count for values in model.cv_results_.values())
    assert model.lower_bound_ <= model.objective_
    assert np.all(np.isfinite(model.cv_results_["mean_test_score"]))


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_control_c_keeps_the_betas_that_are_complete(n_jobs):
    calls = []

    def scoring(model, X, y):
        calls.append(len(y))
        if len(calls) == 6:  # two betas of three folds
            timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
        return -np.mean((model.predict(X) - y) ** 2)

    betas = 0.3 * 0.95 ** np.arange(200)
    model = ConvexReLURegressorCV(betas, cv=3, scoring=scoring, n_jobs=n_jobs)
    with pytest.warns(ConvergenceWarning, match=r"interrupted: \d+ of 200 betas"):
        model.fit(X, Y)
    assert 2 <= len(model.betas_) < 100
    assert len(calls) == 3 * len(model.betas_)
    assert model.gap_ <= model.tol
    assert model.predict(X).shape == (24,)


@pytest.mark.slow
def test_copies_pickles_pipelines_and_routing():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["width"])
    model = ConvexReLUClassifierCV(BETAS, cv=2, tol=1e-2)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(frame, LABELS)
        model.predict(frame)
    assert model.feature_names_in_.tolist() == ["width"]
    assert model.network_.feature_names == ("width",)
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.predict_proba(frame), model.predict_proba(frame))
    assert copy.beta_ == model.beta_
    pipeline = make_pipeline(StandardScaler(), ConvexReLURegressorCV(BETAS, cv=2))
    assert pipeline.fit(X, Y).score(X, Y) > 0.5
    with sklearn.config_context(enable_metadata_routing=True):
        routed = ConvexReLURegressorCV(BETAS, cv=2).set_fit_request(sample_weight=True)
        whole = make_pipeline(StandardScaler(), routed)
        whole.set_params(
            standardscaler=StandardScaler().set_fit_request(sample_weight=False)
        )
        assert whole.fit(X, Y, sample_weight=WEIGHTS).score(X, Y) > 0.3
