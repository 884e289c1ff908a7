"""The page of ``fit --report``: what was fitted, how well, and what is proven."""

from __future__ import annotations

from typing import Any

import numpy as np

from arrangement.io import names_text, seconds_text
from convex_solver.certificates import SolutionStatus, heading, shown_text
from convex_solver.cli.labels import classes_text
from convex_solver.cli.page import Line, chart, facts, image, page, table, text
from convex_solver.cli.report import bounds_lines, problem_text
from convex_solver.program import ConvexProgram
from convex_solver.rounding import lengths
from convex_solver.solver import Solution
from convex_solver.typing import Array

# Inches of the picture: as wide as a telephone, texts stay legible on one.
PICTURE_SIZE = (4.4, 4.2)
# Rows of a table of neurons, and of one of rounds.
_MOST = 100
_ENDS = {
    "time limit": "The time limit ended the search before that was so.",
    "interrupted": "It was interrupted before that was so.",
    "max_rounds": "The limit of rounds ended the search before that was so.",
    "memory": "Memory ended the search before that was so.",
    "stalled": "The digits of float64 ended before that was so.",
    "certificate": "The budget of the certificate (--max-cones) ended before that was "
    "so.",
}


def fit_page(
    values: dict[str, Any],
    solution: Solution,
    program: ConvexProgram,
    *,
    picture: bytes | None,
    beta_max: str,
    command: str | None,
) -> bytes:
    """Return the page.

    Parameters
    ----------
    values : dict
        What ``fit --json`` prints.
    solution : Solution
    program : ConvexProgram
    picture : bytes, optional
        A PNG of the data with the fit.
    beta_max : str
        What is known of it, to go on after beta.
    command : str, optional
        What recomputes the certificate, where files can be read once more.
    """
    features = names_text(values["features"])
    title = f"{values['target']} from {features}"
    body = [
        f"<h1>{text(title)}</h1>",
        _status(values, solution),
        _key_facts(values, solution),
        "<h2>What was fitted</h2>",
        _fitted(values, solution, beta_max),
    ]
    if picture is not None:
        body += ["<h2>The fit</h2>", _picture(values, picture)]
    body += [
        "<h2>Objective and bounds, round by round</h2>",
        *_rounds(values, solution),
        "<h2>The network</h2>",
        *_network(values, solution, program),
        "<h2>What the certificate says</h2>",
        *_certificate(values, solution),
        "<h2>Check it yourself</h2>",
        *_check(values, command),
    ]
    return page(title, body)


def _status(values: dict[str, Any], solution: Solution) -> str:
    is_within = solution.status is SolutionStatus.OPTIMAL
    word = heading(solution.gap, solution.tol)
    more = f"{shown_text(solution.gap)}; {values['tol']:g} was asked for"
    return (
        f'<p class="status"><span class="{"good" if is_within else "short"}">{word}'
        f"</span>: {text(more)}.</p>"
    )


def _key_facts(values: dict[str, Any], solution: Solution) -> str:
    score = values["score_value"]
    rows = [
        ("objective", f"{solution.objective:.8g}"),
        ("certified lower bound", f"{solution.lower_bound:.8g}"),
        ("relative gap", f"{solution.gap:.2e}"),
        ("neurons", f"{values['neurons']:,}"),
        *(
            []
            if score is None
            else [(f"{values['score']} on these rows", f"{score:.4g}")]
        ),
    ]
    return facts(rows, css="facts")


def _fitted(values: dict[str, Any], solution: Solution, beta_max: str) -> str:
    classes, weights = values["classes"], values["weights"]
    notes = ", ".join(values["read_as"])
    scaled = "centred and scaled" if values["intercept"] else "scaled"
    columns = [f"{values['d']:,}"]
    if values["intercept"]:
        columns.append("one of ones among them")
    if values["standardize"]:
        columns.append(f"features {scaled} inside the program")
    bounds = dict(bounds_lines(values))
    rounds = len(solution.history)
    return facts(
        [
            ("file", values["file"]),
            *([("read as", notes)] if notes else []),
            ("target", values["target"]),
            *([("classes", classes_text(classes))] if classes else []),
            ("features", ", ".join(values["features"])),
            (
                "problem",
                problem_text(values["loss"], values["beta"], weights) + beta_max,
            ),
            ("rows", f"{values['n']:,}"),
            ("columns", "; ".join(columns)),
            ("rank", f"{values['rank']:,}"),
            ("patterns", bounds["patterns"]),
            ("method", f"{solution.method} ({solution.reason}); {rounds:,} rounds"),
            ("time", seconds_text(values["seconds"])),
        ]
    )


def _picture(values: dict[str, Any], picture: bytes) -> str:
    names = values["features"]
    if values["score"] == "accuracy":
        caption = "Colours are the class that is predicted, points the data."
    elif len(names) == 1:
        caption = "Data and fit."
    else:
        caption = "Colours are the prediction, points the data."
    output = "output of the network" if _has_link(values) else "network"
    caption += (
        " On dashed lines neurons switch, the fainter the less that changes; the "
        f"{output} is {'straight' if len(names) == 1 else 'a plane'} between the lines "
        "of all neurons."
    )
    alt = f"{values['target']} over {' and '.join(names)}, with the fitted network"
    return image(picture, alt=alt, caption=caption)


def _has_link(values: dict[str, Any]) -> bool:
    """Whether what is drawn is a curved function of the output."""
    return values["loss"] in ("logistic", "poisson")


def _rounds(values: dict[str, Any], solution: Solution) -> list[str]:
    history = solution.history
    if not history:
        return [
            "<p>There was no round: the network was found and its bound proven at "
            "once.</p>"
            if solution.status is SolutionStatus.OPTIMAL
            else "<p>No round ended in the time that there was.</p>"
        ]
    m = len(history)
    upper = [(k + 1, one.upper) for k, one in enumerate(history)]
    lower = [(k + 1, one.lower) for k, one in enumerate(history) if one.lower > 0.0]
    gaps = [(k + 1, one.gap) for k, one in enumerate(history) if one.lower > 0.0]
    upper.append((m + 1, solution.objective))
    lower.append((m + 1, solution.lower_bound))
    gaps.append((m + 1, solution.gap))
    bounds = chart(
        "bounds of the optimum",
        [
            Line("upper", "objective", upper),
            Line("lower", "certified lower bound", lower),
        ],
        x_name="round",
    )
    tolerance = [(1, values["tol"]), (m + 1, values["tol"])]
    distance = chart(
        "relative gap",
        [
            Line("upper", "gap", gaps),
            Line("lower", "asked for", tolerance),
        ],
        x_name="round",
        is_log=True,
    )
    return [
        f'<div class="charts">{bounds}{distance}</div>',
        f"<p>Round {m + 1:,} is the certificate at the end. Every lower bound is "
        "proven: no network has an objective below it.</p>",
        f"<details><summary>All rounds as a table</summary>"
        f"{_table_of_rounds(solution)}</details>",
    ]


def _table_of_rounds(solution: Solution) -> str:
    history = solution.history
    rows = [
        [
            f"{k + 1}",
            f"{one.seconds:.3g}",
            f"{one.upper:.10g}",
            f"{one.lower:.10g}" if one.lower > 0.0 else "none yet",
            f"{one.gap:.1e}" if one.lower > 0.0 else "",
            f"{one.n_blocks:,}",
            f"{one.added:,}",
        ]
        for k, one in enumerate(history[:_MOST])
    ]
    rows.append(
        [
            f"{len(history) + 1}",
            f"{solution.seconds:.3g}",
            f"{solution.objective:.10g}",
            f"{solution.lower_bound:.10g}",
            f"{solution.gap:.1e}",
            f"{solution.n_blocks:,}",
            "",
        ]
    )
    head = ("round", "seconds", "objective", "lower bound", "gap", "blocks", "new")
    return table(head, rows, label="rounds")


def _network(
    values: dict[str, Any], solution: Solution, program: ConvexProgram
) -> list[str]:
    network = solution.network
    if not network.n_neurons:
        return ["<p>It has no neuron: its output is 0 everywhere.</p>"]
    constants, slopes = _in_units_of_the_data(solution)
    sizes = lengths(network.weights) * np.abs(network.alphas)
    order = np.argsort(-sizes, kind="stable")
    active = np.sum(program.data.design @ network.weights.T > 0.0, axis=0)
    shares = sizes / sizes.sum()
    rows = [
        [
            f"{place + 1}",
            "adds" if network.alphas[k] > 0.0 else "takes",
            *([f"{constants[k]:.6g}"] if network.intercept else []),
            *(f"{slope:.6g}" for slope in slopes[k]),
            f"{active[k]:,}",
            f"{shares[k]:.1%}",
        ]
        for place, k in enumerate(order[:_MOST].tolist())
    ]
    ones = ["constant"] if network.intercept else []
    head = ["neuron", "", *ones, *network.feature_names, "rows active", "of the decay"]
    more = network.n_neurons - len(rows)
    rest = f" {more:,} smaller neurons are left out here." if more > 0 else ""
    return [
        f"<p>{text(_reading(values))} Each neuron adds or takes max(0, constant + "
        "coefficient &times; feature + &hellip;), with the numbers of its line: they "
        f"are for the features as in the file, rounded to six digits.{rest} The model "
        "file holds all digits.</p>",
        table(head, rows, label="neurons"),
    ]


def _reading(values: dict[str, Any]) -> str:
    """Say what the output of the network is."""
    target, classes = values["target"], values["classes"] or ("-1", "+1")
    if values["loss"] == "logistic":
        return (
            f"The output is the log-odds of {target} = {classes[1]}: above 0 that "
            "class is the more likely one."
        )
    if values["score"] == "accuracy":
        return (
            f"An output above 0 stands for {target} = {classes[1]}, else {classes[0]}."
        )
    if values["loss"] == "poisson":
        return f"The predicted mean of {target} is the exponential of the output."
    return f"The output is the prediction of {target}."


def _in_units_of_the_data(solution: Solution) -> tuple[Array, Array]:
    """Return what each neuron adds, without its sign: constants (m,), slopes (m, k)."""
    network = solution.network
    width = len(network.feature_names)
    scale = np.ones(width) if network.scale is None else network.scale
    center = np.zeros(width) if network.center is None else network.center
    slopes = network.weights[:, :width] / scale
    constants = -slopes @ center
    if network.intercept:
        constants = constants + network.weights[:, width]
    size = np.abs(network.alphas)
    return size * constants, size[:, None] * slopes


def _certificate(values: dict[str, Any], solution: Solution) -> list[str]:
    is_optimal = solution.status is SolutionStatus.OPTIMAL
    words = [
        f"On these rows no two-layer ReLU network, of any width, has an objective "
        f"(summed {values['loss']} loss plus weight decay) below "
        f"{values['lower_bound']:.12g}. The network above has "
        f"{solution.objective:.12g}. So {shown_text(solution.gap)}.",
        f"The lower bound is proven by {values['proof']}; it is computed from the data "
        "with every rounding accounted for, and does not rest on how the network was "
        "found.",
    ]
    if not is_optimal:
        words.append(
            f"A gap of at most {values['tol']:g} was asked for. "
            f"{_ENDS.get(solution.stopped, '')} Network and bounds hold as stated; the "
            "true optimum lies between them."
        )
    if solution.hint:
        words.append(solution.hint)
    words.append(
        "It says nothing of rows that were not fitted: how well the network predicts "
        "those is to be measured on them."
    )
    return [f"<p>{text(each)}</p>" for each in words]


def _check(values: dict[str, Any], command: str | None) -> list[str]:
    if command is None:
        return [
            "<p>The data or the model went through standard input or output. With both "
            "in files, <code>convex-solver certify MODEL DATA</code> recomputes the "
            "bounds.</p>"
        ]
    return [
        "<p>This reads the model and the data once more, and recomputes both bounds "
        "from them alone:</p>",
        f"<pre>{text(command)}</pre>",
    ]
