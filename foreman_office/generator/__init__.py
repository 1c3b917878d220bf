"""A believable office of any size, made up from a seed: to try out, to measure, to test with."""

from dataclasses import dataclass
from datetime import datetime

from foreman_office.generator.story import Story
from foreman_office.generator.writing import TABLES, write

__all__ = ["LARGE", "TABLES", "Size", "generate"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is. Of evidence about so much: it ends with the act that reaches it."""

    programs: int
    waves: int
    tasks: int
    heartbeats: int
    evidence: int

    def __post_init__(self) -> None:
        if not 1 <= self.programs <= self.waves <= self.tasks:
            raise ValueError("A program has at least one wave, and a wave at least one task.")
        if self.heartbeats < 0 or self.evidence < 0:
            raise ValueError("There cannot be less than nothing.")


LARGE = Size(programs=100, waves=1_000, tasks=100_000, heartbeats=1_000_000, evidence=300_000)


def generate(size: Size, *, seed: int, now: datetime) -> None:
    """Fill an empty office; the same seed, size and moment make the same one."""
    story = Story(seed, size.programs, size.waves, size.tasks, size.evidence)
    write(story, size.heartbeats, now.replace(microsecond=0))
