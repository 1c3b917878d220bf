"""The pages without a parent: in the navigation, in the search, and by keyboard shortcut."""

from typing import NamedTuple

from django.urls import reverse

from governance.models import Blocker

COUNTED = 100  # how far the rail counts


class NavigationItem(NamedTuple):
    """A page without a parent, and the key that opens it after `g`."""

    view: str
    label: str
    icon: str
    key: str
    also: tuple[str, ...] = ()  # how the names of further views begin that belong to it

    @property
    def url(self) -> str:
        return reverse(self.view)

    def holds(self, view: str) -> str:
        """Return, as a value of `aria-current`, whether a view is this place or belongs to it."""
        if view == self.view:
            return "page"
        row = self.view.removesuffix("_list")
        return "true" if view.startswith((row, *self.also)) else "false"


# On a phone the first ones stand in the bar, the others behind it.
FIRST = (
    NavigationItem("inbox", "Inbox", "inbox", "i", ("decisions",)),
    NavigationItem(
        "programs:program_list", "Programs", "programs", "p", ("programs:wave", "governance:plan")
    ),
    NavigationItem("programs:task_list", "Tasks", "tasks", "t"),
    NavigationItem("builders:builder_list", "Builders", "builders", "b"),
)
OTHERS = (
    NavigationItem("handover", "Handover", "handover", "h"),
    NavigationItem("governance:replay", "Replay", "replay", "r"),
    NavigationItem("governance:quality", "Quality", "quality", "q"),
    NavigationItem("governance:blocker_list", "Blockers", "blockers", "x"),
    NavigationItem("governance:violation_list", "Violations", "violations", "v"),
    NavigationItem("governance:spend", "Spend", "spend", "s"),
    NavigationItem("governance:evidence_list", "Evidence", "evidence", "e"),
)


def bounded(number: int) -> str:
    """Return a count as the rail shows it: empty for none, and bounded with a plus sign."""
    return f"{COUNTED}+" if number > COUNTED else str(number or "")


def count_blockers_shown() -> int:
    """Count the open blockers as their list does, up to a bound."""
    return Blocker.objects.open().order_by()[: COUNTED + 1].count()
