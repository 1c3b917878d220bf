"""The story of an office: who did what when, generated from a seed until enough happened.

Every move is one that the lifecycles and gates allow, in the order in which they allow it, so that
the final state obeys every rule.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count, cycle
from random import Random
from typing import Any
from uuid import UUID

from bench.generator import words
from bench.generator.plan import (
    DAY,
    HOUR,
    MINUTE,
    Attempt,
    ProgramStory,
    RunStory,
    TaskStory,
    TroubleStory,
    WaveStory,
)
from bench.generator.size import Size
from programs.models import BuilderName

OWN_WORK = 0.1  # of the tasks are the foreman's own, without a builder
PREPARED = 0.93  # of a wave's tasks could be assigned when it opens
FAILING = 0.015  # of the attempts fail, and the task is planned again
TROUBLED = 0.06  # of the attempts are blocked for a while
TROUBLES = [
    *("repeated_failures", "builder_stall", "constitutional_violation"),
    *("architecture_qa_mismatch", "protected_path"),
]
BLOCKING = [
    *("constitutional_violation", "architecture_qa_mismatch"),
    *("impossible_requirements", "protected_path"),
]
READY_PLANS = 3  # of those that are not begun

# The state of some builders at the end, if they have a task.
IN_HAND = {
    BuilderName.SCHEMA: None,  # says the same again and again
    BuilderName.INTEGRATION: "builder_stall",
    BuilderName.QA: "repeated_failures",
}
SILENCE = 2 * MINUTE  # after which a builder counts as stalled


class Story:
    """An office of a size, and what happened in it until there was so much evidence."""

    def __init__(self, seed: int, size: Size) -> None:
        self.rng = Random(seed)  # noqa: S311  a story, not a secret
        self.programs = self._plan(size)
        self.now = 0
        self.evidence = size.programs + size.waves + size.tasks
        self._order = count()
        self._events: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._backlog = self.programs[::-1]
        self._waiting: dict[str, list[TaskStory]] = {name: [] for name in BuilderName.values}
        self._busy: set[str] = set()
        self.attempts: dict[str, list[tuple[TaskStory, Attempt]]] = {
            name: [] for name in BuilderName.values
        }
        self._play(lanes=max(1, min(8, size.programs // 3)), until=size.evidence)
        self._cut()
        self._draft()
        self._trouble()

    def key(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    # --- the plan ---------------------------------------------------------------------------------

    def _plan(self, size: Size) -> list[ProgramStory]:
        rng = self.rng
        found = [
            ProgramStory(self.key(), n, words.program_name(n), abandoned=n % 20 == 3)
            for n in range(size.programs)
        ]
        sized = [
            (found[n], number)
            for n, number in enumerate(shares(rng, size.waves, size.programs))
            for number in range(1, number + 1)
        ]
        for (program, number), tasks in zip(
            sized, shares(rng, size.tasks, size.waves), strict=True
        ):
            stage = words.STAGES[(number - 1) % len(words.STAGES)]
            wave = WaveStory(self.key(), program, number, f"{stage} of the {program.name.lower()}")
            wave.needs = self._needs(program.waves)
            program.waves.append(wave)
            for place in range(1, tasks + 1):
                own = rng.random() < OWN_WORK
                builder = None if own else BuilderName.values[rng.randrange(5)]
                tests = 0 if own else rng.randint(6, 20)
                wave.tasks.append(
                    TaskStory(self.key(), wave, place, words.task_name(rng), builder, tests)
                )
        return found

    def _needs(self, earlier: list[WaveStory]) -> list[WaveStory]:
        """Choose what a wave waits for: the one before, the one before that, or both."""
        if len(earlier) < 2 or self.rng.random() < 0.6:
            return earlier[-1:]
        return earlier[-2:-1] if self.rng.random() < 0.6 else earlier[-2:]

    # --- the play ---------------------------------------------------------------------------------

    def _play(self, lanes: int, until: int) -> None:
        for lane in range(lanes):
            self._later(lane * 2 * HOUR, self._next_program)
        while self._events and self.evidence < until:
            self.now, _, happen, of = heappop(self._events)
            happen(*of)

    def _later(self, seconds: int, happen: Callable[..., None], *of: Any) -> None:
        heappush(self._events, (self.now + seconds, next(self._order), happen, of))

    def _within(self, least: int, most: int) -> int:
        return self.rng.randint(least, most)

    def _next_program(self) -> None:
        if self._backlog:
            program = self._backlog.pop()
            program.begun = self.now
            self.evidence += 1
            self._open_waves(program)

    def _open_waves(self, program: ProgramStory) -> None:
        done = sum(wave.ended is not None for wave in program.waves)
        if program.abandoned and 2 * done >= len(program.waves):
            if all(wave.ended for wave in program.waves if wave.begun is not None):
                program.failed = self.now
                self.evidence += 1
                self._later(self._within(HOUR, 4 * HOUR), self._next_program)
            return
        for wave in program.waves:
            if wave.begun is None and all(each.ended is not None for each in wave.needs):
                self._open(wave)

    def _open(self, wave: WaveStory) -> None:
        wave.begun = self.now
        self.evidence += 1
        if not wave.tasks:
            return
        for task in wave.tasks:
            if task.builder is None:
                self._later(self._within(MINUTE, 6 * HOUR), self._begin_own, task)
            elif self.rng.random() < PREPARED:
                self._prepare(task, early=True)
            else:
                if self.rng.random() < 0.5:
                    task.doubted = self.now - self._within(MINUTE, 20 * HOUR)
                    self.evidence += 1
                self._later(self._within(2 * HOUR, 14 * HOUR), self._prepare, task)
        for builder in BuilderName.values:
            self._take_up(builder)

    def _prepare(self, task: TaskStory, early: bool = False) -> None:
        """Validate the architecture and record a red run: then the task can be assigned."""
        task.validated = self.now - (self._within(2 * HOUR, 30 * HOUR) if early else 2 * HOUR)
        passing = self.rng.choice([0, 0, 0, 0, 1])
        task.red = RunStory(task.validated + self._within(MINUTE, 100 * MINUTE), passing)
        self.evidence += 2
        self._waiting[task.builder or ""].append(task)
        if not early:
            self._take_up(task.builder or "")

    def _take_up(self, builder: str) -> None:
        waiting = self._waiting[builder]
        if builder in self._busy or not waiting:
            return
        place = self.rng.randrange(len(waiting))
        waiting[place], waiting[-1] = waiting[-1], waiting[place]
        task = waiting.pop()
        begun = self.now + self._within(5, 50)
        end = begun + self._within(20 * MINUTE, 100 * MINUTE)
        attempt = Attempt(builder, self.now, begun, end, self.rng.random() < FAILING)
        self._runs(task, attempt)
        if self.rng.random() < TROUBLED:
            quarter = (end - begun) // 4
            kind = self.rng.choice(TROUBLES)
            attempt.trouble = TroubleStory(kind, begun + quarter, begun + 2 * quarter)
            if kind == "repeated_failures":
                fruitless = (RunStory(begun + quarter - 90 * n, 1) for n in (2, 1, 0))
                attempt.runs = [*fruitless, *attempt.runs]
        task.attempts.append(attempt)
        self.attempts[builder].append((task, attempt))
        self._busy.add(builder)
        self._later(end - self.now, self._end, task)

    def _runs(self, task: TaskStory, attempt: Attempt) -> None:
        """Record runs in which ever more tests pass; all of them, unless the attempt is to fail."""
        span = attempt.end - attempt.begun
        for share in (0.4, 0.7):
            if self.rng.random() < 0.4:
                skipped = int(self.rng.random() < 0.05)
                passing = max(1, int(task.tests * share) - skipped)
                debt = int(self.rng.random() < 0.04)
                attempt.runs.append(
                    RunStory(attempt.begun + int(span * share), passing, skipped, debt)
                )
        if not attempt.fails:
            attempt.runs.append(RunStory(attempt.end - self._within(20, 150), task.tests))

    def _begin_own(self, task: TaskStory) -> None:
        end = self.now + self._within(HOUR, 10 * HOUR)
        task.attempts.append(Attempt(None, self.now, self.now, end, fails=False))
        self._later(end - self.now, self._end, task)

    def _end(self, task: TaskStory) -> None:
        attempt = task.attempts[-1]
        attempt.outcome = "failed" if attempt.fails else "completed"
        self.evidence += attempt.evidence
        if attempt.builder:
            self._busy.remove(attempt.builder)
            self._later(self._within(20, 4 * MINUTE), self._take_up, attempt.builder)
        if attempt.fails:
            self._later(self._within(HOUR, 20 * HOUR), self._plan_again, task)
        elif all(each.completed for each in task.wave.tasks):
            self._close(task.wave)

    def _plan_again(self, task: TaskStory) -> None:
        task.attempts[-1].planned_again = self.now
        self.evidence += 1
        self._waiting[task.builder or ""].append(task)
        self._take_up(task.builder or "")

    def _close(self, wave: WaveStory) -> None:
        wave.ended = self.now
        self.evidence += 1
        program = wave.program
        if all(each.ended is not None for each in program.waves):
            program.ended = self.now
            self.evidence += 1
            self._later(self._within(HOUR, 4 * HOUR), self._next_program)
        else:
            self._open_waves(program)

    # --- the end ----------------------------------------------------------------------------------

    def _cut(self) -> None:
        """Remove what would have happened after the last moment."""
        for program in self.programs:
            first = program.begun if program.begun is not None else self.now
            program.created = first - self._within(2 * DAY, 9 * DAY)
            for task in (task for wave in program.waves for task in wave.tasks):
                if attempt := task.in_hand:
                    attempt.runs = [run for run in attempt.runs if run.at < self.now]
                    trouble = attempt.trouble
                    if trouble and trouble.over >= self.now:
                        attempt.trouble = None

    def _draft(self) -> None:
        """Empty the last wave of most unstarted plans, so that these are unfinished."""
        for program in [each for each in self.programs if each.begun is None][READY_PLANS:]:
            *_, before, last = [None, *program.waves]
            if before:
                for task in last.tasks:
                    task.wave, task.number = before, len(before.tasks) + 1
                    before.tasks.append(task)
                last.tasks = []

    def _trouble(self) -> None:
        """Leave decisions for the foreman: one of each kind of trouble, where there is room."""
        waves = [
            wave
            for program in self.programs
            for wave in program.waves
            if wave.begun is not None and wave.ended is None and not program.failed
        ]
        held = {task.wave.key for pairs in self.attempts.values() for task, _ in pairs[-1:]}
        quiet = [wave for wave in waves if wave.key not in held]
        kinds = cycle(BLOCKING)
        for wave in waves:
            for task in wave.tasks:
                free = task.builder and not task.attempts
                if free and self.rng.random() < 0.06:
                    task.trouble = TroubleStory(next(kinds), self._lately(wave))
        self._fail([task for wave in waves for task in wave.tasks if task.completed])
        if quiet:
            quiet[0].trouble = TroubleStory("architecture_qa_mismatch", self._lately(quiet[0]))
        busy = {wave.program.key for wave in waves if wave.key in held}
        idle = [wave.program for wave in quiet[1:] if wave.program.key not in busy]
        if idle:
            idle[-1].trouble = TroubleStory("impossible_requirements", self._lately(quiet[-1]))
        self._trouble_in_hand()

    def _fail(self, done: list[TaskStory]) -> None:
        """Fail the tasks that were completed last: nothing depends on them yet."""
        by_builders = [task for task in done if task.builder]
        for task in sorted(by_builders, key=lambda task: task.attempts[-1].end)[-2:]:
            attempt = task.attempts[-1]
            attempt.fails, attempt.outcome = True, "failed"
            attempt.runs = [run for run in attempt.runs if run.passing < task.tests]

    def _trouble_in_hand(self) -> None:
        """Leave one builder spinning, one silent, and one waiting for a decision."""
        for builder, kind in IN_HAND.items():
            for task, attempt in self.attempts[builder][-1:]:
                if task.in_hand and attempt.begun < self.now - 15 * MINUTE:
                    attempt.runs = [run for run in attempt.runs if run.at < self.now - 15 * MINUTE]
                    if kind:
                        attempt.trouble = TroubleStory(kind, self.now - 5 * MINUTE)

    def _lately(self, wave: WaveStory) -> int:
        return self.now - self._within(1, max(1, min(3 * DAY, self.now - (wave.begun or 0))))


def shares(rng: Random, total: int, number: int) -> list[int]:
    """Split a total into so many shares of unlike size, none of them empty."""
    left = total - number
    weights = [rng.uniform(0.5, 1.5) for _ in range(number)]
    found = [1 + int(left * weight / sum(weights)) for weight in weights]
    for place in range(total - sum(found)):
        found[place % number] += 1
    return found
