"""The cost of leaving something undecided: the tasks and builders that it holds up."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model

from builders.models import Builder, Verdict
from foreman_office.dashboard.programs.progress_counts import count_tasks
from kit.web.templatetags.numbers import some
from programs.models import Program, State, Task, Wave


class Held(NamedTuple):
    """What waits: the number of tasks, some builders, and a description of both."""

    tasks: int
    builders: int
    words: str

    @property
    def cost(self) -> int:
        return self.tasks + self.builders


NOTHING = Held(0, 0, "no other work")


class ImpactCalculator:
    """How far a standstill reaches, through the waves that wait for each other.

    Queried for all entities of a list at once: the waves of their programs, and how many tasks of
    each are not completed.
    """

    def __init__(self, entities: Iterable[Model | None], builders: Iterable[Any]) -> None:
        programs = {program_of(entity) for entity in entities} - {None}
        self.holders = {b.current_task_id: b for b in builders if b.current_task_id}
        self.idle = sum(b.verdict == Verdict.IDLE and b.current_task_id is None for b in builders)
        # Of the unfinished waves, in their order; what is said of each stands at its number.
        self.numbers: dict[UUID, int] = {}
        self.names: list[str] = []
        self.left: list[int] = []  # tasks that are not completed
        self.of_program: dict[UUID, list[int]] = defaultdict(list)
        self.followers: dict[UUID, list[UUID]] = defaultdict(list)
        self.found: dict[UUID, list[int]] = {}
        unfinished = Wave.objects.filter(program__in=programs).exclude(state=State.COMPLETED)
        counts = count_tasks(unfinished) if programs else {}
        rows = unfinished.order_by("sequence_number").values_list(
            "pk", "name", "dependencies", "program"
        )
        for key, name, dependencies, program in rows if programs else ():
            self.of_program[program].append(len(self.names))
            self.numbers[key] = len(self.names)
            self.names.append(name)
            self.left.append(counts[key].total() - counts[key][State.COMPLETED])
            for earlier in dependencies:
                self.followers[UUID(earlier)].append(key)

    def of(self, entity: Model | None, *, idle: bool = False, tasks: int | None = None) -> Held:
        """Return what waits for an entity; `idle` if builders without work wait for it too.

        `tasks` is how many of a wave's or program's own tasks wait, where it is not all of them.
        """
        match entity:
            case Builder():
                return self.of(entity.current_task)
            case Task():
                held, own, wave = 1, ["this task"], entity.wave_id
                waiting = int(entity.pk in self.holders)
            case Wave():
                held, wave, waiting = tasks, entity.pk, 0
                if held is None:
                    held = self.left[self.numbers[wave]] if wave in self.numbers else 0
                own = [some(held, "task")]
            case Program() if tasks is not None:
                held, own, wave, waiting = tasks, [some(tasks, "task")], None, 0
            case Program():
                waves = self.of_program[entity.pk]
                held = sum(self.left[number] for number in waves)
                own, wave = [some(held, "task"), some(len(waves), "wave")], None
                waiting = sum(
                    task.wave.program_id == entity.pk
                    for task in (holder.current_task for holder in self.holders.values())
                )
            case _:
                return NOTHING
        after = self.after(wave) if wave else []
        if isinstance(entity, Task) and wave in self.numbers:
            number = self.numbers[wave]
            last = "the last of " if self.left[number] == 1 else ""
            own.append(f"{last}{self.names[number]}")
        if after:
            held += sum(self.left[number] for number in after)
            own.append(f"and the dependent {listed([self.names[number] for number in after])}")
        waiting += self.idle if idle else 0
        if waiting:
            own.append(f"{some(waiting, 'idle builder' if idle else 'builder')}")
        words = ", ".join(own)
        if after:
            words += f" ({some(held, 'task')} in all)"
        return Held(held, waiting, words)

    def after(self, wave: UUID) -> list[int]:
        """Return the unfinished waves that wait for this one, directly or through others."""
        if wave not in self.found:
            found, ahead = set[UUID](), [wave]
            while ahead:
                new = set(self.followers[ahead.pop()]) - found
                found |= new
                ahead += new
            self.found[wave] = sorted(self.numbers[key] for key in found)
        return self.found[wave]


def program_of(entity: Model | None) -> UUID | None:
    match entity:
        case Program():
            return entity.pk
        case Wave():
            return entity.program_id
        case Task():
            return entity.wave.program_id
        case Builder() if entity.current_task:
            return entity.current_task.wave.program_id
    return None


def listed(names: list[str]) -> str:
    shown = names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more waves"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
