"""The estimators in scikit-learn's conventions, and what they say of the optimum."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import convex_solver
from convex_solver import ConvexProgram, SolutionStatus, beta_max, certify

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from convex_solver import ConvexReLUClassifier, ConvexReLURegressor

LOSSES = ["squared", "hinge", "logistic"]


def data(n=25, d=2, seed=0):
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, d)) * [1.0, 100.0] + [0.0, 50.0]
    return X, np.abs(X[:, 0]) + 0.01 * X[:, 1]


def three_classes(n=30):
    X, y = data(n)
    return X, np.array(["a", "b", "c"])[np.digitize(y, np.quantile(y, [0.3, 0.6]))]


# Up to 200 rows of rank 11 come up: there the certificate ends at its budget, and
# warns.  Strong decay keeps these programs small; their data are scaled to fit.  The
# regressor has no limit of time, as two of its fits have to agree on a busy machine.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        ConvexReLURegressor(beta=50.0, tol=0.5, max_cones=1000),
        ConvexReLUClassifier(beta=1.0, tol=1e-2, max_cones=1000, time_limit=12.0),
    ],
    # equal to tol, not to 1e-7; the tests below compare the optima
    expected_failed_checks=lambda _: {
        "check_sample_weight_equivalence_on_dense_data": "predictions agree to tol",
    },
)
def test_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def test_the_regressor_is_certified():
    X, y = data()
    model = ConvexReLURegressor(beta=0.5).fit(X, y)
    assert model.gap_ <= model.tol
    assert model.lower_bound_ <= model.objective_
    assert model.objective_ == pytest.approx(model.network_.objective(X, y, 0.5))
    again = certify(model.network_, X, y, 0.5, dual=model.certificate_.dual)
    assert again.status(model.tol) is SolutionStatus.OPTIMAL
    assert model.score(X, y) > 0.9
    assert model.n_iter_ >= 1


@pytest.mark.parametrize("loss", LOSSES)
def test_the_classifier_is_certified(loss):
    X, y = data()
    labels = np.where(y > np.median(y), "high", "low")
    model = ConvexReLUClassifier(beta=0.1, loss=loss).fit(X, labels)
    assert model.classes_.tolist() == ["high", "low"]
    assert model.gap_ <= model.tol
    signs = np.where(labels == "low", 1.0, -1.0)
    value = model.network_.objective(X, signs, 0.1, loss=loss)
    assert model.objective_ == pytest.approx(value)
    scores = model.decision_function(X)
    assert np.array_equal(model.predict(X) == "low", scores > 0.0)
    assert model.score(X, labels) > 0.9


def test_each_of_three_classes_has_a_network():
    X, labels = three_classes()
    model = ConvexReLUClassifier(beta=0.1, tol=1e-3).fit(X, labels)
    names = ["network_", "certificate_", "objective_", "lower_bound_", "gap_"]
    assert [len(getattr(model, name)) for name in names] == [3] * 5
    assert max(model.gap_) <= 1e-3
    scores = model.decision_function(X)
    assert scores.shape == (30, 3)
    for k, network in enumerate(model.network_):
        np.testing.assert_allclose(scores[:, k], network.predict(X))
    assert np.array_equal(model.predict(X), model.classes_[scores.argmax(axis=1)])
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert np.array_equal(shares.argmax(axis=1), scores.argmax(axis=1))
    assert model.score(X, labels) > 0.8


@pytest.mark.slow
def test_probabilities_of_far_points_are_probabilities():
    X, labels = three_classes()
    model = ConvexReLUClassifier(beta=0.1, tol=1e-2).fit(X, labels)
    far = model.predict_proba(1e6 * X)
    assert np.all(np.isfinite(far))
    np.testing.assert_allclose(far.sum(axis=1), 1.0)
    two = ConvexReLUClassifier(beta=0.1, tol=1e-2).fit(X, labels == "a")
    scores = two.decision_function(X)
    chance = 1.0 / (1.0 + np.exp(-scores))
    np.testing.assert_allclose(
        two.predict_proba(X), np.column_stack([1 - chance, chance])
    )


@pytest.mark.parametrize("loss", ["hinge", "squared"])
def test_only_the_logistic_loss_has_probabilities(loss):
    assert hasattr(ConvexReLUClassifier(), "predict_proba")
    assert not hasattr(ConvexReLUClassifier(loss=loss), "predict_proba")


def test_above_beta_max_the_zero_network_is_optimal():
    X, y = data()
    most = beta_max(ConvexProgram(X, y, 1.0, standardize=True, intercept=True))
    model = ConvexReLURegressor(beta=1.01 * most).fit(X, y)
    assert model.network_.n_neurons == 0
    assert model.gap_ == pytest.approx(0.0, abs=1e-9)
    assert np.array_equal(model.predict(X), np.zeros(len(X)))


def test_the_parameters_reach_the_program():
    X, y = data()
    plain = ConvexReLURegressor(beta=2.0, fit_intercept=False, standardize=False)
    network = plain.fit(X, y).network_
    assert not network.intercept
    assert network.center is None
    assert network.scale is None
    full = ConvexReLURegressor(beta=2.0).fit(X, y).network_
    assert full.intercept
    np.testing.assert_allclose(full.center, X.mean(axis=0))


def test_standardised_predictions_do_not_depend_on_units():
    X, y = data()
    a = ConvexReLURegressor(beta=0.5, tol=1e-9).fit(X, y)
    b = ConvexReLURegressor(beta=0.5, tol=1e-9).fit(X * [1024.0, 0.5] + 8.0, y)
    assert a.objective_ == pytest.approx(b.objective_, rel=1e-7)
    expected = b.predict(X * [1024.0, 0.5] + 8.0)
    np.testing.assert_allclose(a.predict(X), expected, atol=1e-3)


@pytest.mark.slow
def test_falling_short_warns_with_gap_tolerance_and_rounds():
    X, y = data(n=15)
    model = ConvexReLURegressor(beta=1e-3, tol=1e-9, max_cones=1)
    with pytest.warns(ConvergenceWarning, match=r"gap is .* tol=1e-09 after \d+ rou"):
        model.fit(X, y)
    assert model.gap_ > 1e-9
    labels = three_classes()[1]
    one = ConvexReLUClassifier(beta=1e-3, tol=1e-9, max_cones=1)
    with pytest.warns(ConvergenceWarning, match=r"class '[abc]' is worst: not shown"):
        one.fit(three_classes()[0][::2], labels[::2])


def test_a_time_limit_is_for_the_whole_fit():
    X, labels = three_classes()
    model = ConvexReLUClassifier(beta=1e-4, tol=1e-12, time_limit=1e-3, max_cones=1)
    with pytest.warns(ConvergenceWarning, match=r"class '[abc]' is.*time limit"):
        model.fit(X, labels)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"beta": 0.0}, "beta"),
        ({"beta": -1.0}, "beta"),
        ({"tol": 0.0}, "tol"),
        ({"time_limit": 0.0}, "time_limit"),
        ({"max_cones": 0}, "max_cones"),
        ({"loss": "absolute"}, "loss='absolute' is not one of ConvexReLUClass"),
        ({"loss": "absurd"}, "loss='absurd' is unknown"),
    ],
)
def test_parameters_out_of_range_are_refused_by_fit(options, match):
    model = ConvexReLUClassifier(**options)
    with pytest.raises(ValueError, match=match):
        model.fit([[0.0], [1.0]], [0, 1])


@pytest.mark.slow
def test_each_class_gets_its_share_and_the_worst_is_named(monkeypatch):
    X, labels = three_classes()
    limits = []

    def recorded(program, *, time_limit, max_cones, **options):
        limits.append(time_limit)
        cells = 1 if len(limits) == 2 else max_cones
        return convex_solver.solve(program, max_cones=cells, **options)

    model = ConvexReLUClassifier(beta=0.1, tol=1e-3, time_limit=3000.0)
    monkeypatch.setattr("convex_solver.estimators.base.solve", recorded)
    with pytest.warns(ConvergenceWarning, match="class 'b' is worst"):
        model.fit(X, labels)
    np.testing.assert_allclose(limits, [1000.0, 1500.0, 3000.0], rtol=0.1)


@pytest.mark.parametrize(
    "loss", ["absolute", "huber:0.5", "quantile:0.9", "epsilon_insensitive:0.2"]
)
def test_other_losses_are_certified(loss):
    X, y = data()
    model = ConvexReLURegressor(beta=0.5, loss=loss).fit(X, y)
    assert model.gap_ <= model.tol
    value = model.network_.objective(X, y, 0.5, loss=loss)
    assert model.objective_ == pytest.approx(value)
    # the zero network is no better
    center = model.network_.replace(np.zeros((0, 3)), [])
    assert model.objective_ <= center.objective(X, y, 0.5, loss=loss)


def test_counts_are_predicted_by_their_mean():
    X, y = data()
    counts = np.random.default_rng(0).poisson(np.exp(y - 1))
    model = ConvexReLURegressor(beta=0.1, loss="poisson").fit(X, counts)
    assert model.gap_ <= model.tol
    np.testing.assert_allclose(np.log(model.predict(X)), model.network_.predict(X))
    assert abs(model.predict(X).mean() - counts.mean()) < 0.2 * counts.mean()
    with pytest.raises(ValueError, match="targets of at least 0"):
        model.fit(X, -1.0 - counts)


@pytest.mark.slow
def test_each_output_has_a_network():
    X, y = data()
    Y = np.column_stack([y, -y, np.zeros(25)])
    model = ConvexReLURegressor(beta=0.5).fit(X, Y)
    assert model.predict(X).shape == (25, 3)
    for k in range(3):
        one = ConvexReLURegressor(beta=0.5).fit(X, Y[:, k])
        assert model.objective_[k] == pytest.approx(one.objective_, rel=1e-3)
        assert model.gap_[k] <= model.tol
    one = ConvexReLURegressor(beta=0.5).fit(X, Y[:, :1])
    assert one.predict(X).shape == (25, 1)
    worst = ConvexReLURegressor(beta=1e-3, tol=1e-9, max_cones=1)
    with pytest.warns(ConvergenceWarning, match=r"output \d is worst"):
        worst.fit(X[:12], Y[:12])


@pytest.mark.parametrize("standardize", [False, True])
def test_a_weight_counts_as_so_many_rows(standardize):
    X, y = data()
    weights = np.arange(25) % 3
    options = {"beta": 0.5, "tol": 1e-8, "standardize": standardize}
    found = ConvexReLURegressor(**options).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(25), weights)
    copies = ConvexReLURegressor(**options).fit(X[rows], y[rows])
    assert found.objective_ == pytest.approx(copies.objective_, rel=1e-7)
    labels = np.where(y > np.median(y), "high", "low")
    found = ConvexReLUClassifier(**options).fit(X, labels, sample_weight=weights)
    copies = ConvexReLUClassifier(**options).fit(X[rows], labels[rows])
    assert found.objective_ == pytest.approx(copies.objective_, rel=1e-7)
    with pytest.raises(ValueError, match="zero"):
        ConvexReLURegressor().fit(X, y, sample_weight=np.zeros(25))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        ConvexReLURegressor().fit(X, y, sample_weight=np.full(25, -1.0))
    # a class without weight is no class
    one = (labels == "low").astype(float)
    with pytest.raises(ValueError, match="one class, 'low'"):
        ConvexReLUClassifier().fit(X, labels, sample_weight=one)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="one class, 'a'"):
        ConvexReLUClassifier().fit([[0.0], [1.0]], ["a", "a"])


def test_predictions_need_a_fit():
    with pytest.raises(NotFittedError, match="not fitted"):
        ConvexReLURegressor().predict([[0.0]])


def test_clones_keep_the_parameters_and_nothing_else():
    model = ConvexReLUClassifier(0.3, loss="hinge", tol=1e-2)
    model.fit([[0.0], [1.0]], [0, 1])
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "network_")


def test_a_pickled_model_predicts_the_same():
    X, labels = three_classes()
    model = ConvexReLUClassifier(beta=0.3, tol=1e-2).fit(X, labels)
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.decision_function(X), model.decision_function(X))
    assert copy.certificate_[0].lower_bound == model.certificate_[0].lower_bound


@pytest.mark.slow
def test_pipelines_and_searches():
    X, y = data(n=24)
    pipeline = make_pipeline(StandardScaler(), ConvexReLURegressor(tol=1e-2))
    grid = {f"{pipeline.steps[1][0]}__beta": [0.1, 10.0]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_params_ == {next(iter(grid)): 0.1}
    labels = np.where(y > np.median(y), 1, 0)
    scorer = cross_val_score(
        ConvexReLUClassifier(tol=1e-2), X, labels, cv=2, scoring="roc_auc"
    )
    assert scorer.mean() > 0.5


def test_names_of_columns_reach_the_network():
    pandas = pytest.importorskip("pandas")
    X, y = data()
    frame = pandas.DataFrame(X, columns=["width", "length"])
    model = ConvexReLURegressor(beta=1.0, tol=1e-2).fit(frame, y)
    assert model.feature_names_in_.tolist() == ["width", "length"]
    assert model.network_.feature_names == ("width", "length")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict(frame).shape == (25,)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame.rename(columns={"width": "height"}))


@pytest.mark.slow
def test_the_package_works_without_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import convex_solver\n"
        "from convex_solver import *\n"
        "assert 'ConvexReLURegressor' in dir(convex_solver)\n"
        "try: convex_solver.ConvexReLURegressor\n"
        "except ImportError as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "ConvexReLURegressor needs scikit-learn" in found.stdout
    assert "[sklearn]" in found.stdout


@pytest.mark.slow
def test_scikit_learn_is_loaded_only_with_the_estimators():
    code = "import sys, convex_solver; print('sklearn' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"
    with pytest.raises(AttributeError, match="no attribute 'Perceptron'"):
        _ = convex_solver.Perceptron
