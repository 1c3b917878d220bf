"""What threads ask at the same moment is done in one go, and each gets its own answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from django.db import DatabaseError
from psycopg.errors import CheckViolation, LockNotAvailable

from kit.runtime.batching.group_commit import GroupCommit
from tests.races import PATIENCE, until


class Doing:
    """Double each argument, and record which were batched; hold the first batch until released."""

    def __init__(self):
        self.asked, self.begun, self.go, self.lock = [], Event(), Event(), Lock()

    def __call__(self, asked):
        with self.lock:
            self.asked.append(sorted(asked))
        if asked == [0]:
            self.begun.set()
            assert self.go.wait(PATIENCE)
        if "bug" in asked:
            raise ZeroDivisionError
        if "wrong" in asked:
            raise DatabaseError("there is something wrong with one") from CheckViolation()
        if "away" in asked:
            raise DatabaseError("there is no database")
        return [2 * each for each in asked]

    def alone(self, asked):
        with self.lock:
            self.asked.append(asked)
        if asked == "wrong":
            raise DatabaseError("there is something wrong with this one")
        return 2 * asked


@pytest.fixture
def doing():
    return Doing()


@pytest.fixture
def ask(doing):
    """Request all of these while something is being done, and return the result of each."""

    def ask(*several):
        together = GroupCommit(doing, doing.alone)
        with ThreadPoolExecutor(len(several) + 1) as threads:
            first = threads.submit(together, 0)
            assert doing.begun.wait(PATIENCE)
            asked = []
            for number, each in enumerate(several, 1):
                asked.append(threads.submit(together, each))
                until(lambda number=number: len(together.waiting) == number)
            doing.go.set()
            assert first.result(PATIENCE) == 0
            return asked

    return ask


def test_who_comes_alone_waits_for_nobody(doing):
    together = GroupCommit(doing, doing.alone)
    assert [together(1), together(2)] == [2, 4]
    assert doing.asked == [[1], [2]]


def test_what_comes_meanwhile_is_done_in_one_go(ask, doing):
    assert [each.result() for each in ask(1, 2, 3)] == [2, 4, 6]
    assert doing.asked == [[0], [1, 2, 3]]


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_what_is_wrong_with_one_is_told_to_that_one_alone(wrong, ask, doing):
    several = ["a", "b", "c"]
    several[wrong] = "wrong"
    asked = ask(*several)
    for each, future in zip(several, asked, strict=True):
        if each == "wrong":
            assert isinstance(future.exception(), DatabaseError)
        else:
            assert future.result() == 2 * each
    assert doing.asked[:2] == [[0], sorted(several)]
    assert sorted(doing.asked[2:]) == sorted(several)


def test_a_database_that_is_away_is_not_asked_again(ask, doing):
    assert [str(each.exception()) for each in ask("away", "a")] == ["there is no database"] * 2
    assert doing.asked == [[0], ["a", "away"]]


def test_who_has_to_wait_alone_holds_up_nobody_else():
    held, let_go = Event(), Event()

    def do(asked):
        if "held" in asked:
            raise DatabaseError("somebody else holds this") from LockNotAvailable()
        return asked

    def do_alone(asked):
        held.set()
        assert let_go.wait(PATIENCE)
        return asked

    together = GroupCommit(do, do_alone)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(together, "held")
        assert held.wait(PATIENCE)
        assert together("free") == "free"
        let_go.set()
        assert waiting.result(PATIENCE) == "held"


def test_a_bug_is_seen_and_leaves_nobody_asleep(ask):
    first, second = ask("bug", "a")
    assert isinstance(first.exception(), ZeroDivisionError)
    assert second.result() == "aa"


def test_each_gets_its_own_answer_however_many_ask():
    together = GroupCommit(lambda asked: [each + 1 for each in asked], lambda asked: asked + 1)
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(together, range(5000))) == list(range(1, 5001))
    assert not together.waiting
