"""Shared fixtures and options, and what a quick run leaves out.

A plain run is quick: of a test with many cases a few, of its Hypothesis examples a
tenth, and nothing marked slow.  ``--thorough`` runs all; so does, of what it names, a
run that names tests (``file.py::test``, ``-k``, ``-m``), unless it says ``--quick``.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections import defaultdict
from pathlib import Path
from typing import Any
from zlib import crc32

import numba
import pytest
from hypothesis import settings

# cases of one test, and examples of one case, in a quick run
MOST_CASES = 1
SHARE_OF_EXAMPLES = 0.1
LEAST_EXAMPLES = 5
# cases of each fuzzer where --fuzz says nothing
FUZZ, QUICK_FUZZ = 50, 20

# rooms whose tests go to one process, so that their kernels are compiled once; every
# other file goes where there is time
TOGETHER = {
    "baselines": "solver",
    "certificates": "solver",
    "cli": "listing",
    "conic": "listing",
    "counting": "listing",
    "listing": "listing",
    "proofs": "solver",
    "restricted": "solver",
    "solver": "solver",
    "stores": "listing",
    "training": "solver",
    "verification": "listing",
    "walls": "solver",
}
# rooms that use kernels of both: last, when they are compiled
LAST = ("certificates", "cli")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how much is run."""
    parser.addoption(
        "--thorough",
        action="store_true",
        help="run every case with all examples, slow ones too",
    )
    parser.addoption(
        "--quick",
        action="store_true",
        help="run a few cases of tests chosen by name or marker as well",
    )
    group = parser.getgroup("fuzz")
    group.addoption("--fuzz", type=int, help="cases of each fuzzer")
    group.addoption("--fuzz-first", type=int, default=0, help="seed of the first case")
    group.addoption(
        "--soak",
        type=float,
        default=3.0,
        help="seconds of calls while memory is watched",
    )


def is_quick(config: pytest.Config) -> bool:
    """Whether a run takes a few cases of each test."""
    if config.getoption("--quick"):
        return True
    named = any("::" in arg for arg in config.args)
    chosen = config.option.keyword or config.option.markexpr
    return not (config.getoption("--thorough") or named or chosen)


def pytest_configure(config: pytest.Config) -> None:
    # no deadlines: a first example compiles kernels, and machines are busy
    settings.register_profile("quick", deadline=None, max_examples=LEAST_EXAMPLES)
    settings.register_profile("thorough", deadline=None, print_blob=True)
    settings.load_profile("quick" if is_quick(config) else "thorough")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # a shell without a terminal starts jobs in the background deaf to Ctrl-C, and
        # so would be all that tests start and interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if getattr(config.option, "numprocesses", None):
        # of processes that share the cores, where threads would wait for each other
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if numba.config.DISABLE_JIT:
        # compiled, words wrap around and numbers become infinite or none in silence;
        # NumPy's scalars tell, in the kernels and in what tests compile themselves
        for line in (
            "ignore:overflow encountered in scalar:RuntimeWarning",
            r"ignore::RuntimeWarning:(arrangement|convex_solver)\._kernels\.",
        ):
            config.addinivalue_line("filterwarnings", line)


def pytest_report_header(config: pytest.Config) -> str | None:
    if is_quick(config):
        return "quick run: a few cases of each test; --thorough runs all"
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share rooms out among the processes of ``-n 2``; of a long run, files."""
    from xdist.scheduler import LoadScopeScheduling

    is_long = not is_quick(config)

    class ByRoom(LoadScopeScheduling):  # type: ignore[misc]
        """Each test goes where others of its room, or of its file, are."""

        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if is_long else TOGETHER.get(Path(file).parent.name, file)

    return ByRoom(config, log)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave to a quick run what is not slow, a few cases of each test."""
    items.sort(key=lambda item: item.path.parent.name in LAST)
    if not is_quick(config):
        return
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("slow") is None:
            cases[item.nodeid.partition("[")[0]].append(item)
    kept: set[pytest.Item] = set()
    for same in cases.values():
        if same[0].get_closest_marker("every") is None:
            # a fixed draw: parameters side by side are much alike
            same.sort(key=lambda item: crc32(item.name.encode()))
            del same[MOST_CASES:]
        kept.update(same)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
    for function in {getattr(item, "function", None) for item in items}:
        if hasattr(function, "hypothesis"):
            shorten(function)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Spare the collector of garbage what is there for good.

    Compilers make many small objects, and set it off again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def shorten(function: object) -> None:
    """Have Hypothesis run fewer examples of a test, as its own settings say more."""
    name = "_hypothesis_internal_use_settings"
    own = getattr(function, name, None)
    # without settings of its own a test has those of the profile
    if own is not None:
        few = max(LEAST_EXAMPLES, int(SHARE_OF_EXAMPLES * own.max_examples))
        setattr(function, name, settings(own, max_examples=few))


@pytest.fixture
def new_objects_only() -> None:
    """Have `gc.collect` look at what a test makes, and not at all compiled code."""
    gc.freeze()


@pytest.fixture
def fuzz_seeds(request: pytest.FixtureRequest) -> range:
    """Seeds of the cases that a fuzzer makes; each is reproduced from its seed."""
    first, count = map(request.config.getoption, ("--fuzz-first", "--fuzz"))
    if count is None:
        count = QUICK_FUZZ if is_quick(request.config) else FUZZ
    return range(first, first + count)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder named by ARRANGEMENT_DATA; the test is skipped where there is none."""
    name = os.environ.get("ARRANGEMENT_DATA")
    if not name:
        pytest.skip(
            "ARRANGEMENT_DATA is not set: it names the folder of the data sets "
            "(iris.npz, isf_instances.npz, ...) that do not ship with the project"
        )
    folder = Path(name)
    if not folder.is_dir():
        pytest.skip(f"ARRANGEMENT_DATA={name!r} is not a folder")
    return folder


@pytest.fixture(scope="session")
def second_listing_checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled second checker of proofs of lists."""
    from reference.second_opinion import compiled

    program = compiled("second_listing_checker", tmp_path_factory.mktemp("second"))
    if program is None:
        pytest.skip("no rustc on the path, which compiles the second checker")
    return program


@pytest.fixture
def second_opinion(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have a second checker say the same of each proof of a list that is checked.

    Where there is a compiler, and the run is no quick one.
    """
    from reference.second_opinion import agreeing

    if is_quick(request.config) or shutil.which("rustc") is None:
        return
    program = request.getfixturevalue("second_listing_checker")
    agreeing(program, monkeypatch)
