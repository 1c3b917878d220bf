"""Do at once for many what threads ask for one by one, as a database does with its commits."""

from collections.abc import Callable
from threading import Lock

from django.db import Error


class Turn[Asked, Answer]:
    """What one thread asks, and the lock that it sleeps on until it is called."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answers: list[Answer] = []  # one, or none yet
        self.failure: Error | None = None
        self.leads = False
        self.called = Lock()
        self.called.acquire()


class Together[Asked, Answer]:
    """Gather what is asked while something is being done, and do it in one go.

    Who finds nobody at work works at once: nobody waits for company. What gathers meanwhile is
    done by the first who waited, with the threads of all others asleep. `do` should not wait long
    for anybody. Where it cannot be done so, each goes its own way with `do_alone`: what is wrong
    with one is told to that one, and who has to wait holds up nobody else. It may have been done
    by then, so asking again must do no harm. A database that is away is not asked again.
    """

    def __init__(
        self, do: Callable[[list[Asked]], list[Answer]], do_alone: Callable[[Asked], Answer]
    ) -> None:
        self.do, self.do_alone = do, do_alone
        self.lock = Lock()
        self.waiting: list[Turn[Asked, Answer]] = []
        self.is_led = False

    def __call__(self, asked: Asked) -> Answer:
        turn = Turn[Asked, Answer](asked)
        with self.lock:
            self.waiting.append(turn)
            turn.leads, self.is_led = not self.is_led, True
        if not turn.leads:
            turn.called.acquire()
        if turn.leads:
            self._lead(turn)
        if turn.failure:
            raise turn.failure
        if not turn.answers:
            turn.answers = [self.do_alone(asked)]
        return turn.answers[0]

    def _lead(self, leader: Turn[Asked, Answer]) -> None:
        """Do what is asked by now, and hand the lead to the first who has come meanwhile."""
        with self.lock:
            turns, self.waiting = self.waiting, []
        try:
            answers = self.do([turn.asked for turn in turns])
            for turn, answer in zip(turns, answers, strict=True):
                turn.answers = [answer]
        except Error as error:
            # What the database refuses is to be met, or not, by each alone.
            if getattr(error.__cause__, "sqlstate", None) is None:
                for turn in turns:
                    turn.failure = error
        finally:
            turns.remove(leader)
            with self.lock:
                self.is_led = bool(self.waiting)
                if self.is_led:
                    self.waiting[0].leads = True
                    turns.insert(0, self.waiting[0])
            for turn in turns:
                turn.called.release()
