"""What a watcher does for the sealed record, after each sweep."""

import time
from collections.abc import Callable

from django.db import DatabaseError
from psycopg.errors import InsufficientPrivilege

from governance.sealing.keys import CannotSealError
from governance.sealing.sealer import seal
from governance.sealing.witnesses import witnesses
from kit.core.outages import DATABASE_AWAY, is_read_only

EVERY = 30  # seconds between two steps of a watcher, unless there is much to seal


def reason_of(error: Exception) -> str:
    """Return in a sentence why nothing is sealed."""
    if isinstance(error.__cause__, InsufficientPrivilege):
        return (
            "Nothing is sealed: the role that watches may not write the sealed record. Set"
            " DATABASE_UPKEEP_URL (manage.py roles)."
        )
    if isinstance(error, CannotSealError):
        return str(error)
    return f"Nothing is sealed: {str(error).strip()}"


class Sealing:
    """The steps of one watcher, and the witnesses that it tells."""

    def __init__(self, say: Callable[[str], object], every: float = EVERY) -> None:
        self.say, self.every = say, every
        self.due = time.monotonic()
        self.failures: dict[str, str] = {}  # what was said of each, until it works again
        self.witnesses = witnesses()

    def turn(self) -> None:
        """Seal what is new, if it is time, and tell the witnesses; the watch goes on in any case.

        That the database is away, or read-only, is for the watcher to wait for.
        """
        try:
            self.seal()
            for witness in self.witnesses:
                self.report(witness.name, witness.tell())
        except DATABASE_AWAY:
            raise
        except (CannotSealError, DatabaseError) as error:
            if is_read_only(error):
                raise
            self.report("sealing", reason_of(error))
            self.due = time.monotonic() + self.every

    def seal(self) -> None:
        """Take a step, if it is time."""
        if time.monotonic() >= self.due:
            step = seal()
            self.report("sealing", "")
            self.due = time.monotonic() + (0 if step.is_full else self.every)

    def report(self, what: str, failure: str) -> None:
        """Report once what fails, and once that it works again."""
        before = self.failures.pop(what, "")
        if failure:
            self.failures[what] = failure
            if failure != before:
                self.say(failure if what == "sealing" else f"{what}: {failure}, and keeps trying")
        elif before:
            self.say("seals again" if what == "sealing" else f"{what} is told again")
