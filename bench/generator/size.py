"""How many rows of each kind a generated office has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows of each kind. The last act may exceed that of evidence."""

    programs: int
    waves: int
    tasks: int
    heartbeats: int
    evidence: int

    def __post_init__(self) -> None:
        if not 1 <= self.programs <= self.waves <= self.tasks:
            raise ValueError("A program has at least one wave, and a wave at least one task.")
        if self.heartbeats < 0 or self.evidence < 0:
            raise ValueError("A number cannot be negative.")


LARGE = Size(programs=100, waves=1_000, tasks=100_000, heartbeats=1_000_000, evidence=300_000)
