"""The page of ``fit --report``: what it says, that it is whole, and how it looks."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from arrangement.io import read_table
from convex_solver import load_model
from convex_solver.cli import main
from convex_solver.cli.page import Line, chart, text

EVIL = '<script>alert("1")</script>'
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
VOID = {"meta", "img", "line", "circle", "polyline", "br"}


class Page(HTMLParser):
    """What a page holds: its tags, texts, tables; and that every tag is closed."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        # a browser writes an end for every element of a picture
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "title"):
            return
        self.texts.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def write_table(folder: Path, names: list[str], n: int = 24) -> Path:
    random = np.random.default_rng(0)
    X = random.standard_normal((n, len(names))).round(3)
    y = (np.abs(X[:, 0]) + 0.3 * X.sum(axis=1)).round(3)
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    lines = [",".join([*quoted, "y", "kind"])]
    for row, value in zip(X.tolist(), y.tolist(), strict=True):
        kind = "<b>up</b>" if value > 0.8 else "down"
        lines.append(",".join([*map(str, row), str(value), kind]))
    path = folder / "t & u.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def fitted(
    folder: Path, names: list[str], *more: str, code: int = 0
) -> tuple[Page, str]:
    """Fit with a report; return its page, and its content."""
    data = write_table(folder, names)
    model, page = folder / "m.json", folder / "r.html"
    argv = [
        "fit",
        str(data),
        "--beta",
        "0.05x",
        "-o",
        str(model),
        "--report",
        str(page),
    ]
    if "--target" not in more:
        listed = ",".join('"' + name.replace('"', '""') + '"' for name in names)
        argv += ["--target", "y", "--features", listed]
    assert main([*argv, *more]) == code
    content = page.read_text(encoding="utf-8")
    return Page(content), content


def assert_bounds(page: Page, folder: Path) -> None:
    """Both bounds are those of the model, but for digits that its claim gives up."""
    claim = load_model(folder / "m.json").claim
    found = re.search(r"below (\S+)\. The network above has (\S+)\. So", page.text)
    assert float(found[1]) == pytest.approx(claim.lower_bound, rel=1e-7)
    assert float(found[2]) == pytest.approx(claim.upper_bound, rel=1e-7)
    assert float(found[1]) <= float(found[2])


def test_the_page_stands_alone(tmp_path, capsys):
    page, content = fitted(tmp_path, ["a", "b"])
    assert f"written      {tmp_path / 'm.json'}, {tmp_path / 'r.html'}" in (
        capsys.readouterr().out
    )
    assert content.startswith("<!DOCTYPE html>")
    assert page.tags[0] == ("html", {"lang": "en"})
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "object", "form"} & set(names)
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "data"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert "url(" not in content
    assert "@import" not in content
    assert "//" not in re.sub(r'src="data:[^"]*"', "", content)
    metas = [attributes for tag, attributes in page.tags if tag == "meta"]
    assert {"charset": "utf-8"} in metas
    assert any(meta.get("name") == "viewport" for meta in metas)
    policy = next(m["content"] for m in metas if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in content


def test_it_says_what_was_fitted_and_proven(tmp_path):
    page, _ = fitted(tmp_path, ["a", "b"])
    assert_bounds(page, tmp_path)
    for part in (
        "y from a, b",
        "Certified global optimum : no network is better by more than",
        "1e-06 was asked for.",
        "rows 24 columns 3; one of ones among them; features centred and scaled",
        "squared loss, beta = ",
        "(0.05 of it)",
        "patterns not listed; at most 554",
        "no network is better by more than",
        "It says nothing of rows that were not fitted",
        "recomputes both bounds",
    ):
        assert part in page.text
    assert page.text.count("certified lower bound") >= 2
    command = page.texts[page.texts.index("Check it yourself") :]
    words = shlex.split(next(one for one in command if one.startswith("convex-solver")))
    assert words[0] == "convex-solver"
    assert main(words[1:]) == 0


@pytest.mark.slow
def test_the_neurons_of_the_table_are_the_network(tmp_path):
    page, _ = fitted(tmp_path, ["a", "b"])
    model = load_model(tmp_path / "m.json")
    head, *rows = page.tables[-1]
    assert head == ["neuron", "", "constant", "a", "b", "rows active", "of the decay"]
    assert len(rows) == model.network.n_neurons
    X = read_table(tmp_path / "t & u.csv").numbers(["a", "b"]).astype(float)
    total, active = np.zeros(24), []
    for row in rows:
        sign = {"adds": 1.0, "takes": -1.0}[row[1]]
        inner = float(row[2]) + X @ [float(row[3]), float(row[4])]
        total += sign * np.maximum(inner, 0.0)
        active.append(int(np.sum(inner > 1e-6)))
    np.testing.assert_allclose(total, model.network.predict(X), atol=1e-4)
    np.testing.assert_allclose(active, [int(row[5]) for row in rows], atol=1)
    shares = [float(row[6].removesuffix("%")) for row in rows]
    assert sum(shares) == pytest.approx(100.0, abs=0.1 * len(rows))
    assert shares == sorted(shares, reverse=True)


@pytest.mark.slow
def test_rounds_are_charts_and_a_table(tmp_path):
    page, content = fitted(tmp_path, ["a", "b"])
    head, *rows = page.tables[0]
    assert head[:5] == ["round", "seconds", "objective", "lower bound", "gap"]
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    uppers = [float(row[2]) for row in rows]
    lowers = [float(row[3]) for row in rows if row[3] != "none yet"]
    assert uppers == sorted(uppers, reverse=True)
    assert lowers == sorted(lowers)
    assert lowers[-1] <= uppers[-1]
    assert content.count("<svg ") == 2
    assert content.count("<polyline ") == 4


@pytest.mark.parametrize("more", [[], ["--loss", "logistic", "--target", "kind"]])
def test_texts_of_the_data_are_never_markup(tmp_path, more):
    names = [EVIL, 'a "quoted" & name']
    if more:
        more += ["--features", '"<script>alert(""1"")</script>"']
    page, content = fitted(tmp_path, names, *more)
    assert "<script" not in content
    assert "<b>up" not in content
    assert "alert" in page.text
    assert EVIL in page.tables[-1][0]
    assert "t & u.csv" in page.text
    if more:
        assert "down = -1" not in page.text  # '<' is before 'd'
        assert "<b>up</b> = -1, down = +1" in page.text
        assert "log-odds of kind = down" in page.text


def test_strange_characters_are_shown_as_such():
    assert (
        text("a\x00b\ud800\x9fc\n")
        == "a\N{REPLACEMENT CHARACTER}b" + ("\N{REPLACEMENT CHARACTER}" * 2) + "c\n"
    )
    assert text("<a href='x'>") == "&lt;a href=&#x27;x&#x27;&gt;"


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_other_numbers_of_features(tmp_path, names):
    page, content = fitted(tmp_path, names, "--no-standardize", "--tol", "1e-2")
    assert content.count("<img ") == (1 if len(names) == 1 else 0)
    assert content.count("<svg ") == 2
    assert page.tables[-1][0][3 : 3 + len(names)] == names


def test_a_zero_network_has_a_page(tmp_path):
    data = write_table(tmp_path, ["a"])
    argv = ["fit", str(data), "--target", "y", "--features", "a", "--beta", "10x"]
    argv += ["-o", str(tmp_path / "m"), "--report", str(tmp_path / "r.html")]
    assert main(argv) == 0
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "It has no neuron: its output is 0 everywhere." in page.text
    assert "Take a smaller beta." in page.text


@pytest.mark.slow
def test_no_intercept_has_no_constant(tmp_path):
    page, _ = fitted(tmp_path, ["a", "b"], "--no-intercept")
    assert page.tables[-1][0] == ["neuron", "", "a", "b", "rows active", "of the decay"]


def test_a_run_cut_short_says_so_and_holds(tmp_path):
    page, _ = fitted(tmp_path, ["a", "b"], "--time-limit", "1e-9", code=1)
    assert "Not shown to be optimal : no network is better by more than" in page.text
    assert "The time limit ended the search before that was so." in page.text
    assert_bounds(page, tmp_path)


@pytest.mark.slow
def test_control_c_leaves_model_and_page(tmp_path, monkeypatch):
    from convex_solver.solver.column_generation import ColumnGeneration

    step = ColumnGeneration.step

    def interrupted(self):
        step(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(ColumnGeneration, "step", interrupted)
    page, _ = fitted(tmp_path, ["a", "b"], "--tol", "1e-12", code=1)
    assert "It was interrupted before that was so." in page.text
    claim = load_model(tmp_path / "m.json").claim
    assert claim.lower_bound <= claim.upper_bound
    assert main(["certify", str(tmp_path / "m.json"), str(tmp_path / "t & u.csv")]) == 0


def test_no_file_is_overwritten_and_none_left_behind(tmp_path, capsys, monkeypatch):
    data = write_table(tmp_path, ["a"])
    argv = ["fit", str(data), "--target", "y", "--features", "a", "--beta", "1"]
    page, model = tmp_path / "r.html", tmp_path / "m.json"
    page.write_text("mine")
    for report, part in (
        (page, "exists"),
        (tmp_path / "no" / "r.html", "is not a folder"),
        (tmp_path / "r.pdf", "reports are not written as .pdf; end the name in .html"),
        (model, "reports are not written as .json"),
        ("-", "reports are not written to standard output"),
    ):
        assert main([*argv, "-o", str(model), "--report", str(report)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert part in error
    same = str(tmp_path / "same")
    assert main([*argv, "-o", same, "--report", same]) == 2
    assert "give each a name" in capsys.readouterr().err

    def broken(*_, **__):
        raise OSError("no picture")

    monkeypatch.setattr("convex_solver.cli.fit.render_fit", broken)
    other = ["--report", str(tmp_path / "s.html")]
    assert main([*argv, "-o", str(model), *other]) == 2
    assert page.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "t & u.csv"]


def test_charts_stay_inside_their_box_and_label_apart():
    for points, is_log in (
        ([(1, 5.0)], False),
        ([(1, 5.0), (2, 5.0)], False),
        ([(1, 1.0000001), (2, 1.0000002), (3, 1.00000015)], False),
        ([(k, 1e9 + k) for k in range(1, 200)], False),
        ([(1, 3e-9), (2, 4e5), (3, 0.0)], True),
        ([(1, 1.0)], True),
        ([(1, 2e-300), (2, 1e300)], True),
    ):
        drawn = chart("t", [Line("upper", "n", points)], x_name="x", is_log=is_log)
        for x, y in re.findall(r"([\d.-]+),([\d.-]+)", drawn):
            assert 0 <= float(x) <= 400
            assert 40 <= float(y) <= 200
        sides = re.findall(r'text-anchor="end">([^<]*)</text>', drawn)[:-1]
        assert len(set(sides)) == len(sides) >= 2
        heights = [
            float(y) for y in re.findall(r'class="grid".*? y1="([\d.]+)"', drawn)
        ]
        assert min(abs(a - b) for a, b in pairwise(heights)) > 14
    assert chart("t", [Line("upper", "n", [(1, 0.0)])], x_name="x", is_log=True) == ""


@pytest.fixture(scope="module")
def browser():
    """Return a function that runs headless Chromium, or skip."""
    program = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None
    )
    if program is None:
        pytest.skip("no chromium on the path: the page is not rendered")

    def call(folder: Path, *more: str) -> str:
        user = folder / f"user{len(list(folder.iterdir()))}"
        done = subprocess.run(
            [program, *FLAGS, f"--user-data-dir={user}", *more],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    return call


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    names = [EVIL, "a name without end" + "_of_no_blanks" * 12]
    page, content = fitted(folder, names)
    return folder, page, content


# A window is never narrower than 500; a frame is. It has the origin of its page, so
# that a script beside it can measure it.
MEASURE = """<body><script>
const found = [];
for (const width of [320, 400, 800, 1400]) {{
  const frame = document.createElement("iframe");
  frame.width = width; frame.height = 900;
  frame.onload = () => {{
    const inner = frame.contentDocument, root = inner.documentElement;
    const out = [...inner.querySelectorAll("main *")].filter((one) =>
      !one.closest(".scroll, svg, details") &&
      one.getBoundingClientRect().right > width + 0.5);
    const texts = [...inner.querySelectorAll("svg text")].map((one) => {{
      const svg = one.closest("svg").getBoundingClientRect();
      const box = one.getBoundingClientRect();
      return box.left >= svg.left - 0.5 && box.right <= svg.right + 0.5; }});
    found.push([width, root.scrollWidth, out.length, texts.every((x) => x),
      inner.querySelector("h1").textContent.includes("<script>"),
      inner.querySelector("img").naturalWidth > 100].join(" "));
    if (found.length == 4) document.body.innerHTML =
      "<p id=found>" + found.sort().join(";") + "</p>";
  }};
  frame.srcdoc = {content};
  document.body.append(frame);
}}
</script></body>"""


@pytest.mark.slow
def test_nothing_is_wider_than_the_screen(browser, report, tmp_path):
    _, _, content = report
    wrapper = tmp_path / "wrapper.html"
    quoted = json.dumps(content).replace("</", "<\\/")
    wrapper.write_text(MEASURE.format(content=quoted), encoding="utf-8")
    dumped = browser(
        tmp_path, "--virtual-time-budget=10000", "--dump-dom", f"file://{wrapper}"
    )
    found = re.search(r'<p id="found">([^<]*)</p>', dumped)[1]
    expected = [f"{width} {width} 0 true true true" for width in (1400, 320, 400, 800)]
    assert found.split(";") == sorted(expected)


@pytest.mark.slow
def test_it_is_seen_in_light_and_in_the_dark(browser, report, tmp_path):
    folder, _, _ = report
    pixels = {}
    for name, scheme in (("light", 1), ("dark", 0)):
        shot = tmp_path / f"{name}.png"
        browser(
            tmp_path,
            f"--blink-settings=preferredColorScheme={scheme}",
            "--window-size=800,2400",
            f"--screenshot={shot}",
            f"file://{folder / 'r.html'}",
        )
        pixels[name] = imread(shot)[:, :, :3]
        assert pixels[name].shape == (2400, 800, 3)
    # the corner is paper, and much is not
    assert pixels["light"][2, 2].min() > 0.95
    assert pixels["dark"][2, 2].max() < 0.2
    for image in pixels.values():
        other = np.abs(image - image[2, 2]).max(axis=2) > 0.3
        assert 0.02 < other.mean() < 0.7
        # text from top to end
        assert np.mean(np.array_split(other.any(axis=1), 24), axis=1).min() > 0.05


@pytest.mark.slow
def test_the_document_that_is_shown_holds_the_texts(browser, report, tmp_path):
    folder, page, _ = report
    dumped = browser(tmp_path, "--dump-dom", f"file://{folder / 'r.html'}")
    shown = Page(dumped)
    assert shown.text == page.text
    assert shown.tables == page.tables
