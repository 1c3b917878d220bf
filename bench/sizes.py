"""How much is measured: enough for figures, or just enough to check that everything runs."""

from dataclasses import dataclass

from bench.generator.size import LARGE, Size

ONE_PROGRAM = Size(programs=1, waves=10, tasks=1_000, heartbeats=10_000, evidence=3_000)
FEW = Size(programs=3, waves=9, tasks=240, heartbeats=600, evidence=900)
ONE_WAVE = Size(programs=1, waves=1, tasks=40, heartbeats=200, evidence=200)


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int  # pairs of measured and floor
    seconds: float  # of heartbeats in each half of a pair
    tasks: int  # of a bulk update and of an imported plan
    large: Size  # an office, and one that is small beside it
    small: Size
    requests: int  # for each page, in each office
    beats: int  # of one builder, to see when each is told
    refreshes: int  # of a page in each half of a pair
    crowd: int  # connections that are held open
    cases: int  # tests of a large report


FULL = Sizes(
    rounds=5,
    seconds=4,
    tasks=10_000,
    large=LARGE,
    small=ONE_PROGRAM,
    requests=150,
    beats=60,
    refreshes=20,
    crowd=3_000,
    cases=20_000,
)
TINY = Sizes(
    rounds=1,
    seconds=0.3,
    tasks=20,
    large=FEW,
    small=ONE_WAVE,
    requests=2,
    beats=3,
    refreshes=2,
    crowd=30,
    cases=200,
)
