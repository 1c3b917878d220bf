"""The steps of a simulated builder on a task: random by a seed, independent of the clock."""

import random
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# What is said while the work goes on, by the progress up to which it is said. Braces are filled in
# from the task.
BEGINNING = [
    "Reading {architecture_reference}",
    "Running {qa_suite_location}: red, as it should be",
    "Sorting the acceptance criteria by what depends on what",
]
ENDING = [
    "Running the whole of {qa_suite_location} again",
    "Removing what the tests do not need",
    "Reading the change once more against {architecture_reference}",
]
MIDDLE = {
    "ui-builder": [
        "Laying out the narrow screen first",
        "Moving focus where the eye goes",
        "Checking contrast in both themes",
        "Giving every field its label and its error",
        "Measuring the first paint",
    ],
    "api-builder": [
        "Writing the handler for the plain case",
        "Answering a wrong field with its rule",
        "Making the second request of the same kind harmless",
        "Taking the lock before the look",
        "Counting queries: two, whatever the size",
    ],
    "schema-builder": [
        "Stating the constraint where all writers meet it",
        "Adding the index that the slow query asked for",
        "Writing the way back beside the way forward",
        "Breaking each rule on purpose, by hand",
        "Reading the plan of the join",
    ],
    "integration-builder": [
        "Replaying the recorded answers of the other side",
        "Signing the request and checking the reply",
        "Trying the call again after a time-out, once only",
        "Putting messages back into their order",
        "Comparing both ledgers, line by line",
    ],
    "qa-builder": [
        "Turning a criterion into a test that fails",
        "Shrinking the example that broke it",
        "Making the clock stand still for the test",
        "Killing the process in the middle of the write",
        "Looking for a test that cannot fail",
    ],
}

# What holds a builder up: the kind of trouble, what is wrong, what was tried, and the last error.
TROUBLES = [
    (
        "architecture_qa_mismatch",
        "{qa_suite_location} asks for a field that {architecture_reference} does not know.",
        ("read the architecture again", "searched the schema for the field"),
        "KeyError: 'released_at'",
    ),
    (
        "impossible_requirements",
        "Two of the acceptance criteria cannot both be met.",
        ("met the first, and broke the second", "met the second, and broke the first"),
        "AssertionError: the place is held and free",
    ),
    (
        "protected_path",
        "The change would have to touch governance/, which is not mine to edit.",
        ("looked for a way around it",),
        "PermissionError: governance/",
    ),
]

# What a builder asks the foreman, and the answers between which it would choose.
QUESTIONS = [
    ("What is a guest shown whose place was sold meanwhile?", ("The next ship", "An apology")),
    ("For how long is a price kept once it is shown?", ("For ten minutes", "Until it is paid")),
    ("Which time counts for the last hour of booking?", ("The ship's", "The guest's")),
]

TESTS = [
    "the plain case",
    "an empty answer",
    "two at the same moment",
    "the same again",
    "a wrong field is named",
    "the last place",
    "a time-out",
    "the other time zone",
    "a ship that is full",
    "by keyboard alone",
    "an old client",
    "nothing is written twice",
]
STEP_BETWEEN_RUNS = 30  # per cent of progress that the last run does not know of yet


class BeatStep(NamedTuple):
    """One heartbeat to send, and the seconds to let pass before the next step."""

    status: str
    progress: int
    message: str
    pause: float


class RunStep(NamedTuple):
    """A run of the suite with a number of passing tests; hidden ones are not in the report."""

    passing: int
    hidden: int = 0
    pause: float = 0.5


class EscalationStep(NamedTuple):
    classification: str
    description: str
    attempts: tuple[str, ...]
    last_error: str
    pause: float = 2.0


class QuestionStep(NamedTuple):
    """A question to the foreman; the work goes on meanwhile."""

    question: str
    options: tuple[str, ...]
    pause: float = 0.5


class ClaimStep(NamedTuple):
    """The claim that the task is done."""

    pause: float = 1.0


Step = BeatStep | RunStep | EscalationStep | QuestionStep | ClaimStep


def script(seed: int, builder: str, task: Mapping[str, str]) -> Iterator[Step]:
    """Yield a builder's steps on a task: from a red run to a green one and the claim.

    Some builders fall silent on the way, report a blocker, make no progress for three runs, or
    claim too early; the office detects it, and they continue correctly. Some have a question.
    """
    chance = random.Random(f"{seed} {builder} {task['task_id']} question")  # noqa: S311
    asks_at = chance.randrange(15, 60) if chance.random() < 0.25 else None
    dice = random.Random(f"{seed} {builder} {task['task_id']}")  # noqa: S311
    size = len(suite_tests(seed, task))
    silence_at = dice.randrange(30, 80) if dice.random() < 0.3 else None
    trouble_at = dice.randrange(20, 70) if dice.random() < 0.2 else None
    stuck_at = dice.randrange(40, 80) if dice.random() < 0.15 else None
    lie = dice.choice(LIES) if dice.random() < 0.35 else None
    progress = known = 0
    yield BeatStep("active", progress, BEGINNING[0].format_map(task), 1.0)
    yield RunStep(0)
    while progress < 100:
        progress = min(100, progress + dice.randint(1, 5))
        pause = dice.uniform(1.0, 2.0)
        if silence_at is not None and progress >= silence_at:
            pause, silence_at = dice.uniform(18, 30), None
        yield BeatStep("active", progress, saying(dice, builder, progress).format_map(task), pause)
        if asks_at is not None and progress >= asks_at:
            yield QuestionStep(*chance.choice(QUESTIONS))
            asks_at = None
        if trouble_at is not None and progress >= trouble_at:
            kind, words, attempts, error = dice.choice(TROUBLES)
            yield EscalationStep(kind, words.format_map(task), attempts, error)
            trouble_at = None
        if stuck_at is not None and progress >= stuck_at:
            yield from [RunStep(size * progress // 100, pause=1.5)] * 3
            known, stuck_at = progress, None
        elif progress < 100 and progress - known >= STEP_BETWEEN_RUNS:
            yield RunStep(size * progress // 100)
            known = progress
        if lie == "stale" and 90 <= progress < 100:
            yield RunStep(size)
            yield BeatStep("active", 100, saying(dice, builder, 100).format_map(task), pause)
            progress = 100
    if lie == "vanished":
        yield RunStep(size - 2, hidden=2)
    if lie is not None:
        yield ClaimStep(3.0)
    yield from in_earnest(seed, task)


# Ways to say "done" of what is not: over a red suite, on a green run that is older than the last
# change, on a green run that leaves out what fails.
LIES = ["red", "stale", "vanished"]


def in_earnest(seed: int, task: Mapping[str, str]) -> Iterator[Step]:
    """Yield the good end of a task: the whole suite green, then the claim."""
    yield RunStep(len(suite_tests(seed, task)))
    yield ClaimStep()


def used(seed: int, task: Mapping[str, str], progress: int) -> dict[str, Any]:
    """Return what the builder's agent used since its last heartbeat, as a heartbeat tells it."""
    dice = random.Random(f"{seed} {task['task_id']} {progress} usage")  # noqa: S311
    read, written = dice.randrange(2_000, 30_000), dice.randrange(200, 2_500)
    return {
        "model": "sample-model",
        "input_tokens": read,
        "output_tokens": written,
        "cost_usd": round(read * 3e-6 + written * 15e-6, 4),
    }


def suite_tests(seed: int, task: Mapping[str, str]) -> list[str]:
    """Return the names of the tests of a task's suite: the same before and after the work."""
    dice = random.Random(f"{seed} {task['task_id']} suite")  # noqa: S311
    return [
        f"{task['qa_suite_location']}::{dice.choice(TESTS)}, {number}".replace(" ", "_")
        for number in range(1, dice.randrange(12, 40))
    ]


def saying(dice: random.Random, builder: str, progress: int) -> str:
    if progress == 100:
        return "Done: {qa_suite_location} is green here"
    return dice.choice(BEGINNING if progress < 12 else ENDING if progress > 85 else MIDDLE[builder])
