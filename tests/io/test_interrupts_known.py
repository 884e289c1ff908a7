"""Ctrl-C is held back in a block, and heard again after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from arrangement.io import held_interrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def press():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def test_it_is_held_and_counted():
    before = signal.getsignal(signal.SIGINT)
    with held_interrupts() as came:
        press()
        press()
    assert len(came) == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_it_is_heard_outside():
    with held_interrupts():
        pass
    with pytest.raises(KeyboardInterrupt):
        press()


@pytest.mark.slow
def test_tests_hear_it_where_a_job_in_the_background_does_not():
    test = f"{__file__}::{test_it_is_heard_outside.__name__}"
    code = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    code += "sys.exit(pytest.main([sys.argv[1], '-p', 'no:cacheprovider']))"
    words = [sys.executable, "-c", code, test]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_within_restores_it_too():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), held_interrupts():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_blocks_may_be_nested():
    with held_interrupts() as outer, held_interrupts() as inner:
        press()
    assert (len(outer), len(inner)) == (0, 1)


def test_other_threads_hold_nothing():
    found = []

    def work():
        with held_interrupts() as came:
            found.append(came)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [[]]
