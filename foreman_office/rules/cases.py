"""An entity whose conditions are explained, and the rows that are read for that."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from governance.gates import Condition
from governance.models import Blocker, GovernanceViolation, QAExecution
from governance.quality import latest_run
from programs.models import Program, Task, Wave


class RuleRow(NamedTuple):
    """A row behind a condition: in words, and where it is shown."""

    words: str
    address: str


class Remedy(NamedTuple):
    """Something to do, where it is done, and the rules that it meets."""

    words: str
    address: str
    rules: frozenset[str] = frozenset()


class Case:
    """An entity whose conditions are explained, with what several of them read of it."""

    def __init__(self, entity: Any) -> None:
        self.entity = entity

    @property
    def here(self) -> str:
        return self.entity.get_absolute_url()

    @cached_property
    def run(self) -> QAExecution | None:
        """Return the latest run of a task's suite."""
        return latest_run(self.entity)

    @cached_property
    def blockers(self) -> list[Blocker]:
        return list(Blocker.objects.open().of(self.entity).order_by("detected_at"))

    @cached_property
    def violations(self) -> list[GovernanceViolation]:
        if not isinstance(self.entity, Task):
            return []
        rows = GovernanceViolation.objects.unresolved().filter(task=self.entity)
        return list(rows.order_by("detected_at"))

    @property
    def own_blockers(self) -> list[Blocker]:
        """Return the open blockers that resolving the violations does not resolve."""
        return [row for row in self.blockers if not is_resolved_with(row, self.violations)]

    @property
    def wave(self) -> Wave:
        return self.entity if isinstance(self.entity, Wave) else self.entity.wave

    @property
    def program(self) -> Program:
        return self.entity if isinstance(self.entity, Program) else self.wave.program

    @property
    def earlier_waves(self) -> Any:
        waves = Wave.objects.filter(pk__in=self.entity.dependency_ids)
        return waves.order_by("sequence_number")


type Details = Mapping[str, str]  # of the unmet conditions, by their rules


class Rule(NamedTuple):
    """What a condition demands, the rows behind it, and what would meet it.

    Rules that share a `remedy` are met by one act, which is named once for all of them.
    """

    words: str
    rows: Callable[[Case], Iterable[RuleRow]]
    remedy: Callable[[Case, Details], Iterator[RuleRow]]


class Explained(NamedTuple):
    """A condition with what its rule says about it."""

    condition: Condition
    words: str
    rows: list[RuleRow]

    @property
    def detail(self) -> str:
        return self.condition.detail


def is_resolved_with(blocker: Blocker, violations: list[GovernanceViolation]) -> bool:
    """Return whether resolving the violations resolves this blocker too."""
    return bool(violations) and blocker.classification == "constitutional_violation"
