"""How much is measured: enough to mean something, or just enough to see that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int  # pairs of measured and floor
    seconds: float  # of heartbeats in each half of a pair
    tasks: int  # of a bulk update and of an imported plan
    programs: int  # of the large office, of 15 waves of 13 tasks each
    requests: int  # for each page, in each office


FULL = Sizes(rounds=5, seconds=4, tasks=10_000, programs=100, requests=150)
TINY = Sizes(rounds=1, seconds=0.3, tasks=20, programs=2, requests=2)
