"""What it costs to leave something undecided: the tasks and builders that it holds up."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Model

from builders.models import Builder
from programs.models import Program, State, Task, TaskState, Wave


class Held(NamedTuple):
    """What waits: so many tasks, some builders, and in words what they are."""

    tasks: int
    builders: int
    words: str

    @property
    def cost(self) -> int:
        return self.tasks + self.builders


NOTHING = Held(0, 0, "nothing else")


class Reach:
    """How far a standstill reaches, through the waves that wait for each other.

    Asked for all entities of a list at once: the waves of their programs, and how many tasks of
    each are not completed.
    """

    def __init__(self, entities: Iterable[Model | None], builders: Iterable[Builder]) -> None:
        programs = {program_of(entity) for entity in entities} - {None}
        self.holders = {b.current_task_id: b for b in builders if b.current_task_id}
        self.idle = sum(b.state == "idle" and b.current_task_id is None for b in builders)
        self.waves: dict[UUID, Wave] = {}
        self.followers: dict[UUID, set[UUID]] = defaultdict(set)
        unfinished = Wave.objects.filter(program__in=programs).exclude(state=State.COMPLETED)
        unfinished = unfinished.only("name", "program_id", "dependencies")
        for wave in unfinished.order_by("sequence_number") if programs else ():
            self.waves[wave.pk] = wave
            for key in wave.dependency_ids:
                self.followers[key].add(wave.pk)
        tasks = Task.objects.filter(wave__in=self.waves).exclude(state=TaskState.COMPLETED)
        rows = tasks.values_list("wave").annotate(number=Count("*")) if self.waves else ()
        self.left: Counter[UUID] = Counter(dict(rows))

    def of(self, entity: Model | None, *, idle: bool = False, tasks: int | None = None) -> Held:
        """Say what waits for an entity; `idle` if builders without work wait for it too.

        `tasks` is how many of a wave's own tasks wait, where it is not all of them.
        """
        match entity:
            case Builder():
                return self.of(entity.current_task)
            case Task():
                held, own, wave = 1, ["this task"], entity.wave_id
                waiting = int(entity.pk in self.holders)
            case Wave():
                held = self.left[entity.pk] if tasks is None else tasks
                own, wave, waiting = [some(held, "task")], entity.pk, 0
            case Program():
                keys = [key for key, wave in self.waves.items() if wave.program_id == entity.pk]
                held = sum(self.left[key] for key in keys)
                own, wave = [some(held, "task"), some(len(keys), "wave")], None
                waiting = sum(
                    task.wave.program_id == entity.pk
                    for task in (holder.current_task for holder in self.holders.values())
                )
            case _:
                return NOTHING
        after = self.after(wave)
        if isinstance(entity, Task) and wave in self.waves:
            last = self.left[wave] == 1
            own.append(f"{'the last of ' if last else ''}{self.waves[wave]}")
        if after:
            held += sum(self.left[key] for key in after)
            names = [str(self.waves[key]) for key in self.waves if key in after]
            own.append(f"and with it {listed(names)}")
        waiting += self.idle if idle else 0
        if waiting:
            own.append(f"{some(waiting, 'idle builder' if idle else 'builder')}")
        words = ", ".join(own)
        if after:
            words += f" ({some(held, 'task')} in all)"
        return Held(held, waiting, words)

    def after(self, wave: UUID | None) -> set[UUID]:
        """Return the unfinished waves that wait for this one, directly or through others."""
        found: set[UUID] = set()
        ahead = [wave] if wave else []
        while ahead:
            for key in self.followers[ahead.pop()] - found:
                found.add(key)
                ahead.append(key)
        return found


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


def some(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: list[str]) -> str:
    shown = names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more waves"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
