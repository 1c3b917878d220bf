"""The progress of programs and waves, in counts of their tasks: few queries for many rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, QuerySet

from kit.core.sql import AmongThose
from kit.web.addresses import address_of
from programs.models import Program, State, Task, Wave

# A wave with more tasks shows how many are in which state, and not each.
MARKS = 30


class Outline(NamedTuple):
    """A wave in an overview of hundreds: the few columns that are read, and its counts."""

    pk: UUID
    name: str
    sequence_number: int
    state: str
    done: int
    total: int

    _meta = Wave._meta

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return address_of("programs:wave", self.pk)


def count_tasks(waves: Iterable[Wave]) -> dict[UUID, Counter[str]]:
    """Count the tasks of each wave by state."""
    tasks = Task.objects.all()
    if isinstance(waves, QuerySet):  # two hundred keys are not written into a statement
        tasks = tasks.filter(AmongThose("wave", waves.order_by().values("pk")))
    else:
        tasks = tasks.filter(wave__in=waves)
    counts: dict[UUID, Counter[str]] = defaultdict(Counter)
    rows = tasks.values_list("wave", "state")
    for wave, state, number in rows.annotate(number=Count("*")):
        counts[wave][state] = number
    return counts


def tally_waves(waves: Iterable[Wave]) -> list[Wave]:
    """Set each wave's `counts` of tasks by state."""
    counts = count_tasks(waves)
    waves = list(waves)
    for wave in waves:
        wave.counts = counts[wave.pk]
    return waves


def tally_programs(programs: Iterable[Program]) -> list[Program]:
    """Set each program's outlines of its `wave_list`, `waves_completed`, `counts` of its tasks,
    and the `current_wave`: the first that is begun, else the first that can be; none at the end."""
    programs = list(programs)
    waves = Wave.objects.filter(program__in=programs).order_by("sequence_number")
    tasks = count_tasks(waves)
    of: dict[UUID, list[Outline]] = defaultdict(list)
    counts: dict[UUID, Counter[str]] = defaultdict(Counter)
    rows = waves.values_list("program", "pk", "name", "sequence_number", "state")
    for program, key, *told in rows:
        own = tasks[key]
        of[program].append(Outline(key, *told, own[State.COMPLETED], own.total()))
        counts[program].update(own)
    for program in programs:
        program.wave_list, program.counts = of[program.pk], counts[program.pk]
        unfinished = [wave for wave in program.wave_list if wave.state != State.COMPLETED]
        program.waves_completed = len(program.wave_list) - len(unfinished)
        begun = (wave for wave in unfinished if wave.state != State.PLANNED)
        program.current_wave = next(begun, next(iter(unfinished), None))
    return programs


def plan_of(program: Program) -> list[Wave]:
    """Return the program's waves in order: tallied, with what they wait for.

    A wave of few tasks has them as its `task_list`.
    """
    waves = tally_waves(program.waves.order_by("sequence_number"))
    by_id = {wave.pk: wave for wave in waves}
    tasks = defaultdict(list)
    few = [wave.pk for wave in waves if wave.counts.total() <= MARKS]
    shown = Task.objects.filter(wave__in=few).only("name", "state", "wave_id")
    for task in shown.order_by("created_at", "name"):
        tasks[task.wave_id].append(task)
    for wave in waves:
        before = [by_id[key] for key in wave.dependency_ids if key in by_id]
        wave.after = [other.sequence_number for other in before]
        wave.waits_for = [
            other.sequence_number for other in before if other.state != Wave.State.COMPLETED
        ]
        wave.task_list = tasks[wave.pk]
    return waves
