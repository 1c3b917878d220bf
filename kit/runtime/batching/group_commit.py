"""Group commit: concurrent calls of threads are batched into one call."""

from collections.abc import Callable
from threading import Lock

from django.db import Error


class Waiter[Asked, Answer]:
    """One call: a thread's argument, and the lock that it sleeps on until its batch is done."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answers: list[Answer] = []  # one, or none yet
        self.failure: Error | None = None
        self.leads = False
        self.called = Lock()
        self.called.acquire()


class GroupCommit[Asked, Answer]:
    """Batch concurrent calls: `do` is called with the arguments of all, and returns an answer each.

    The first caller leads immediately, without waiting; later callers join the next batch, which
    the first of them leads while the threads of the others sleep. `do` should not wait long for
    anything. Where the database refuses a batch, each caller calls `do_alone`, so that an error or
    a lock affects only the caller that it concerns. The batch may have been stored by then, so
    `do_alone` must do no harm if it repeats it. If the database cannot be reached, each caller
    gets that error and nothing is repeated.
    """

    def __init__(
        self, do: Callable[[list[Asked]], list[Answer]], do_alone: Callable[[Asked], Answer]
    ) -> None:
        self.do, self.do_alone = do, do_alone
        self.lock = Lock()
        self.waiting: list[Waiter[Asked, Answer]] = []
        self.is_led = False

    def __call__(self, asked: Asked) -> Answer:
        waiter = Waiter[Asked, Answer](asked)
        with self.lock:
            self.waiting.append(waiter)
            waiter.leads, self.is_led = not self.is_led, True
        if not waiter.leads:
            waiter.called.acquire()
        if waiter.leads:
            self._lead(waiter)
        if waiter.failure:
            raise waiter.failure
        if not waiter.answers:
            waiter.answers = [self.do_alone(asked)]
        return waiter.answers[0]

    def together(self, asked: list[Asked]) -> list[Answer | Error | None]:
        """Call for several at once, in one batch, and return an answer each.

        Where the database refuses the batch, each is None, and to be called for alone; where it
        cannot be reached, each is that error.
        """
        waiters = [Waiter[Asked, Answer](each) for each in asked]
        first = waiters[0]
        with self.lock:
            self.waiting += waiters
            first.leads, self.is_led = not self.is_led, True
        if not first.leads:
            first.called.acquire()
        if first.leads:
            self._lead(first)
        return [each.answers[0] if each.answers else each.failure for each in waiters]

    def _lead(self, leader: Waiter[Asked, Answer]) -> None:
        """Run the batch of all waiting calls, and make the first one that came since the leader."""
        with self.lock:
            waiters, self.waiting = self.waiting, []
        try:
            answers = self.do([waiter.asked for waiter in waiters])
            for waiter, answer in zip(waiters, answers, strict=True):
                waiter.answers = [answer]
        except Error as error:
            # What the database refuses is tried again by each alone.
            if getattr(error.__cause__, "sqlstate", None) is None:
                for waiter in waiters:
                    waiter.failure = error
        finally:
            waiters.remove(leader)
            with self.lock:
                self.is_led = bool(self.waiting)
                if self.is_led:
                    self.waiting[0].leads = True
                    waiters.insert(0, self.waiting[0])
            for waiter in waiters:
                waiter.called.release()
