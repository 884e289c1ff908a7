"""The estimators among the tools of scikit-learn: routing, frames, searches, warmth."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from convex_solver import ConvexReLUClassifier, ConvexReLURegressor

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((24, 2))
Y = np.abs(X[:, 0]) + 0.1 * X[:, 1]
LABELS = np.where(np.median(Y) < Y, "high", "low")
WEIGHTS = RANDOM.integers(0, 3, 24).astype(float)
OPTIONS = {"beta": 0.3, "tol": 1e-3}


def frame(library):
    module = pytest.importorskip(library)
    return module.DataFrame({"width": X[:, 0], "length": X[:, 1]})


def test_weights_are_routed_to_fit_and_score():
    seen = []

    class Noting(ConvexReLURegressor):
        def fit(self, X, y, sample_weight=None):
            seen.append(None if sample_weight is None else len(sample_weight))
            return super().fit(X, y, sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        model = Noting(**OPTIONS)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), model
        )
        found = cross_validate(pipeline, X, Y, cv=2, params={"sample_weight": WEIGHTS})
        assert np.all(np.isfinite(found["test_score"]))
        assert seen == [12, 12]
        request = ConvexReLUClassifier().get_metadata_routing()
        assert "sample_weight" in str(request)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_names_go_through_pipelines(library):
    scaler = StandardScaler().set_output(transform=library)
    model = make_pipeline(scaler, ConvexReLURegressor(**OPTIONS))
    data = frame(library)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(data, Y)
        prediction = model.predict(data)
    last = model[-1]
    assert last.feature_names_in_.tolist() == ["width", "length"]
    assert last.network_.feature_names == ("width", "length")
    assert last.n_features_in_ == 2
    assert prediction.shape == (24,)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_name_what_is_no_number(library):
    module = pytest.importorskip(library)
    numbers = [*range(24)]
    for values, match in (
        ([None, *numbers[1:]], r"(missing value|nan).*row 0, column 'b'"),
        ([*("uv" * 12)], r"'u' is not a number.*row 0, column 'b'.*get_dummies"),
    ):
        data = module.DataFrame({"a": numbers, "b": values})
        with pytest.raises((ValueError, TypeError), match=match):
            ConvexReLURegressor(**OPTIONS).fit(data, Y)
    data = module.DataFrame({"a": numbers, "b": [x % 2 == 0 for x in numbers]})
    model = ConvexReLURegressor(**OPTIONS).fit(data, Y)
    assert model.network_.feature_names == ("a", "b")
    with pytest.raises(ValueError, match=r"other columns|feature names|order"):
        model.predict(data[["b", "a"]])


def test_copies_and_searches_in_processes():
    grid = {"beta": [0.1, 1.0]}
    search = GridSearchCV(ConvexReLUClassifier(tol=1e-2), grid, cv=2, n_jobs=2)
    search.fit(X, LABELS)
    assert search.best_params_["beta"] in grid["beta"]
    model = search.best_estimator_
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.predict_proba(X), model.predict_proba(X))
    fresh = clone(ConvexReLURegressor(**OPTIONS, warm_start=True))
    assert fresh.get_params()["warm_start"] is True


def test_probabilities_decisions_and_classes_agree():
    for labels in (LABELS, np.array(["a", "b", "c"])[np.digitize(Y, [0.5, 1.0])]):
        model = ConvexReLUClassifier(**OPTIONS).fit(X, labels)
        shares, scores = model.predict_proba(X), model.decision_function(X)
        np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), shares)
        assert np.array_equal(model.classes_[shares.argmax(axis=1)], model.predict(X))
        assert scores.shape == ((24,) if len(model.classes_) == 2 else (24, 3))
        far = model.predict_log_proba(1e3 * X)
        assert np.all(np.isfinite(far))
    assert not hasattr(ConvexReLUClassifier(loss="hinge"), "predict_log_proba")
    hinge = ConvexReLUClassifier(**OPTIONS, loss="hinge")
    calibrated = CalibratedClassifierCV(hinge, cv=2).fit(X, LABELS)
    assert calibrated.predict_proba(X).shape == (24, 2)


@pytest.mark.slow
def test_several_outputs_by_a_wrapper_are_those_of_the_estimator():
    both = np.column_stack([Y, -X[:, 1]])
    own = ConvexReLURegressor(beta=0.3, tol=1e-6).fit(X, both)
    wrapped = MultiOutputRegressor(ConvexReLURegressor(beta=0.3, tol=1e-6)).fit(X, both)
    np.testing.assert_allclose(own.predict(X), wrapped.predict(X), atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("model", [ConvexReLURegressor, ConvexReLUClassifier])
def test_a_warm_start_begins_near_the_last_network(model, monkeypatch):
    targets = Y if model is ConvexReLURegressor else LABELS
    warm = model(0.3, warm_start=True).fit(X, targets)
    first = warm.network_
    starts = []

    def noted(program, **options):
        starts.append(options["start"])
        return solve(program, **options)

    from convex_solver.estimators.base import solve

    monkeypatch.setattr("convex_solver.estimators.base.solve", noted)
    warm.set_params(beta=0.2).fit(X, targets)
    cold = model(0.2).fit(X, targets)
    assert starts[0].n_neurons == first.n_neurons
    np.testing.assert_allclose(starts[0].predict(X), first.predict(X), atol=1e-9)
    assert starts[1] is None
    assert warm.objective_ == pytest.approx(cold.objective_, rel=2e-6)
    assert warm.gap_ <= warm.tol
    # other rows: the same function in their coordinates
    warm.fit(X[:20] * 3.0 + 1.0, targets[:20])
    expected = warm.network_
    assert expected.n_neurons > 0
    np.testing.assert_allclose(starts[2].center, (X[:20] * 3.0 + 1.0).mean(axis=0))
    # another number of columns: nothing to begin near
    warm.fit(X[:, :1], targets)
    assert starts[3] is None


@pytest.mark.slow
def test_nothing_but_convergence_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ConvexReLURegressor(**OPTIONS).fit(X, Y).score(X, Y, sample_weight=WEIGHTS + 1)
        ConvexReLUClassifier(**OPTIONS).fit(X, LABELS).score(X, LABELS)
    with pytest.warns(ConvergenceWarning, match="not shown to be optimal") as seen:
        ConvexReLURegressor(beta=1e-3, tol=1e-9, max_cones=1).fit(X, Y)
    assert "estimate" not in str(seen[0].message)
