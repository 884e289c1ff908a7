"""Programs that check proofs a second time, compiled where there is a compiler."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from arrangement import checker

SOURCES = Path(__file__).parents[1] / "proofs"


def compiled(name: str, folder: Path) -> Path | None:
    """The program of a Rust source beside the tests of proofs; None without rustc."""
    compiler = shutil.which("rustc")
    if compiler is None:
        return None
    program, source = folder / name, SOURCES / f"{name}.rs"
    words = [compiler, "-O", "--edition", "2021", "-o", str(program), str(source)]
    subprocess.run(words, check=True, capture_output=True, text=True)
    return program


def answer(program: Path, paths: list[str]) -> tuple[int, str]:
    """The exit code of a checker, 0 or 1, and the line that it prints."""
    done = subprocess.run(
        [str(program), *paths], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout.count("\n") == 1, done.stdout
    return done.returncode, done.stdout


def agreeing(program: Path, patch: pytest.MonkeyPatch) -> Counter[int]:
    """Have `arrangement.checker` fail where a second program says something else.

    How often both accept, 0, or refuse, 1, is counted.
    """
    first, longest = checker.main, checker.LONGEST
    codes: Counter[int] = Counter()

    def both(words: list[str]) -> int:
        code = first(words)
        # the second does not read lists, and knows nothing of other limits
        is_asked = len(words) == 2 or (len(words) == 3 and code == 0)
        if is_asked and longest == checker.LONGEST:
            other, said = answer(program, words[:2])
            assert code == other, f"{words}: the second checker says {said}"
            codes[code] += 1
        return code

    patch.setattr(checker, "main", both)
    return codes
