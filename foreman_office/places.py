"""The places of the office: what the rail shows, what the search finds, what a shortcut opens."""

from typing import NamedTuple

from django.urls import reverse

from governance.models import Blocker

COUNTED = 100  # how far the rail counts


class Place(NamedTuple):
    """A page that belongs to nothing else, and the key that opens it after `g`."""

    view: str
    label: str
    icon: str
    key: str
    also: tuple[str, ...] = ()  # how the names of further views begin that belong to it

    @property
    def url(self) -> str:
        return reverse(self.view)

    def holds(self, view: str) -> str:
        """Tell, as `aria-current` does, whether a view is this place or belongs to it."""
        if view == self.view:
            return "page"
        row = self.view.removesuffix("_list")
        return "true" if view.startswith((row, *self.also)) else "false"


# On a phone the first ones stand in the bar, the others behind it.
FIRST = (
    Place("inbox", "Inbox", "inbox", "i"),
    Place(
        "programs:program_list", "Programs", "programs", "p", ("programs:wave", "governance:plan")
    ),
    Place("programs:task_list", "Tasks", "tasks", "t"),
    Place("builders:builder_list", "Builders", "builders", "b"),
)
OTHERS = (
    Place("governance:quality", "Quality", "quality", "q"),
    Place("governance:blocker_list", "Blockers", "blockers", "x"),
    Place("governance:violation_list", "Violations", "violations", "v"),
    Place("governance:evidence_list", "Evidence", "evidence", "e"),
)


def bounded(number: int) -> str:
    """Say a count of the rail: nothing for none, and no more than anybody reads."""
    return f"{COUNTED}+" if number > COUNTED else str(number or "")


def count_open_blockers() -> int:
    """Count the open blockers as their list does, up to a bound."""
    return Blocker.objects.open().order_by()[: COUNTED + 1].count()
