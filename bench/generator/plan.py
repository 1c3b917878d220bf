"""The plan of a generated office while its story runs, and who worked on it when.

Times are whole seconds on the story's own clock.
"""

from dataclasses import dataclass, field
from math import inf
from uuid import UUID

from bench.generator import words

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(slots=True)
class RunStory:
    at: int
    passing: int
    skipped: int = 0
    debt: int = 0


@dataclass(slots=True)
class TroubleStory:
    """What blocks a task, a wave or a program; `until` is None while it does."""

    kind: str
    since: int
    until: int | None = None

    @property
    def over(self) -> float:
        return inf if self.until is None else self.until


@dataclass(slots=True)
class Attempt:
    """One builder's work on a task; `ended` and `outcome` are None while it lasts."""

    builder: str | None
    assigned: int
    begun: int
    end: int  # when it ends, or would
    fails: bool
    runs: list[RunStory] = field(default_factory=list)
    trouble: TroubleStory | None = None
    outcome: str | None = None
    planned_again: int | None = None

    @property
    def left(self) -> float:
        """Return when the task is unassigned again."""
        return self.end if self.outcome else inf

    @property
    def work_end(self) -> int:
        """Return when the last work is reported: the run that proves it comes after."""
        return self.end - 3 * MINUTE

    @property
    def evidence(self) -> int:
        """Return how many rows of evidence the attempt leaves, once it has ended."""
        if self.builder is None:
            return 2
        kind = self.trouble and self.trouble.kind
        trouble = 6 * bool(kind) + 2 * (kind == "constitutional_violation")
        return 6 + 2 * (not self.fails) + len(self.runs) + trouble

    def progress(self, at: float) -> int:
        """Return the progress, in steps of five, that a beat of this moment reports."""
        share = (at - self.begun) / (self.work_end - self.begun)
        return max(0, min(95, 5 * int(share * 20)))


@dataclass(slots=True)
class TaskStory:
    key: UUID
    wave: "WaveStory"
    number: int
    name: str
    builder: str | None
    tests: int
    validated: int | None = None  # READY
    doubted: int | None = None  # NOT_READY, before that
    red: RunStory | None = None  # the run that shows something to build
    attempts: list[Attempt] = field(default_factory=list)
    trouble: TroubleStory | None = None  # while no builder has it

    @property
    def architecture(self) -> str:
        return words.architecture(self.wave.program.name, self.wave.number) if self.builder else ""

    @property
    def suite(self) -> str:
        if not self.builder:
            return ""
        return words.suite_path(self.wave.program.name, self.wave.number, self.number)

    @property
    def in_hand(self) -> Attempt | None:
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.outcome is None else None

    @property
    def completed(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].outcome == "completed"


@dataclass(slots=True)
class WaveStory:
    key: UUID
    program: "ProgramStory"
    number: int
    name: str
    needs: list["WaveStory"] = field(default_factory=list)
    tasks: list[TaskStory] = field(default_factory=list)
    begun: int | None = None
    ended: int | None = None
    trouble: TroubleStory | None = None


@dataclass(slots=True)
class ProgramStory:
    key: UUID
    number: int
    name: str
    abandoned: bool  # it will be given up half way
    created: int = 0
    waves: list[WaveStory] = field(default_factory=list)
    begun: int | None = None
    ended: int | None = None
    failed: int | None = None
    trouble: TroubleStory | None = None
