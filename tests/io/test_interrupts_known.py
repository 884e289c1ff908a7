"""Ctrl-C is held back in a block, and heard again after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from arrangement.io import heard_once, held_interrupts

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


@heard_once()
def heard(*more):
    """How often Ctrl-C ends something here, pressed three times."""
    found = []
    try:
        press()
        found.append("never")
    except KeyboardInterrupt:
        press()
        found.append("once")
    for call in more:
        found += call()
    press()
    return found


def test_one_is_heard_and_the_next_are_held():
    before = signal.getsignal(signal.SIGINT)
    assert heard() == ["once"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_block_within_hears_one_of_its_own():
    assert heard(heard, heard) == ["once"] * 3
    with held_interrupts() as came:
        assert heard(heard) == ["once", "once"]
        press()
    assert len(came) == 1


def test_what_holds_within_holds_the_first_too():
    with heard_once():
        with held_interrupts() as came:
            press()
        assert len(came) == 1
        with pytest.raises(KeyboardInterrupt):
            press()
        press()


def test_a_handler_that_raises_nothing_is_called_each_time(request):
    numbers = []
    before = signal.signal(signal.SIGINT, lambda number, _: numbers.append(number))
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    assert heard() == ["never"]
    assert numbers == [signal.SIGINT] * 2


def test_other_threads_hear_nothing_of_it():
    found = []
    before = signal.getsignal(signal.SIGINT)

    @heard_once()
    def work():
        found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]
