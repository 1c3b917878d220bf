"""How far programs and waves are, in counts of their tasks: few queries for any number of rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from django.db.models import Count, QuerySet

from foreman_office.kit.sql import AmongThose
from programs.models import Program, State, Task, Wave

# A wave with more tasks shows how many are in which state, and not each.
MARKS = 30


def tally_waves(waves: Iterable[Wave]) -> list[Wave]:
    """Give each wave its `counts` of tasks by state."""
    tasks = Task.objects.all()
    if isinstance(waves, QuerySet):  # two hundred keys are not written into a statement
        tasks = tasks.filter(AmongThose("wave", waves.order_by().values("pk")))
    else:
        tasks = tasks.filter(wave__in=waves)
    waves = list(waves)
    counts: dict[object, Counter[str]] = defaultdict(Counter)
    rows = tasks.values_list("wave", "state")
    for wave, state, number in rows.annotate(number=Count("*")):
        counts[wave][state] = number
    for wave in waves:
        wave.counts = counts[wave.pk]
    return waves


def tally_programs(programs: Iterable[Program]) -> list[Program]:
    """Give each program its tallied `wave_list`, `counts` of tasks and waves by state, and the
    `current_wave`: the first that is begun, else the first that can be, and none at the end."""
    programs = list(programs)
    of: dict[object, list[Wave]] = defaultdict(list)
    waves = Wave.objects.filter(program__in=programs).order_by("sequence_number")
    for wave in tally_waves(waves.only("name", "sequence_number", "state", "program_id")):
        of[wave.program_id].append(wave)
    for program in programs:
        program.wave_list = of[program.pk]
        program.counts = sum((wave.counts for wave in program.wave_list), Counter())
        program.wave_counts = Counter(wave.state for wave in program.wave_list)
        unfinished = [wave for wave in program.wave_list if wave.state != State.COMPLETED]
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
