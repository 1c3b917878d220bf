"""Large bodies, which take much memory and processor time while they are read: one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from kit.core.bounds import LARGE
from kit.core.turns import NoTurn, Turns
from kit.web.later import too_crowded

RETRY = 5  # seconds

reading = Turns(at_once=1, waiting=1, patience=10)


def refuse_in_a_crowd(size: int) -> None:
    """Raise TryLater before a body of this size takes memory, if it would only be refused later."""
    if size > LARGE and reading.is_full:
        raise too_crowded(RETRY)


@contextmanager
def one_at_a_time(size: int) -> Iterator[None]:
    """Read a body of this size inside, if it is large in its turn, or raise TryLater."""
    if size <= LARGE:
        yield
        return
    try:
        with reading.turn():
            yield
    except NoTurn:
        raise too_crowded(RETRY) from None
