"""What a simulated builder does with a task: the dice of a seed decide it, and no clock."""

import random
from collections.abc import Iterator, Mapping
from typing import NamedTuple

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

# What holds a builder up: first the kind of blocker, then what is wrong.
TROUBLES = [
    "Architecture QA mismatch: {qa_suite_location} asks for a field that {architecture_reference}"
    " does not know",
    "Impossible requirements: two of the acceptance criteria cannot both be met",
    "Protected path: the change would have to touch governance/, which is not mine to edit",
]


class Beat(NamedTuple):
    """One heartbeat to send, and the seconds to let pass before the next."""

    status: str
    progress: int
    message: str
    pause: float


def script(seed: int, builder: str, task: Mapping[str, str]) -> Iterator[Beat]:
    """Tell the beats of a builder's work on a task, from the first to the one that says done."""
    dice = random.Random(f"{seed} {builder} {task['task_id']}")  # noqa: S311
    silence_at = dice.randrange(30, 80) if dice.random() < 0.3 else None
    trouble_at = dice.randrange(20, 70) if dice.random() < 0.2 else None
    progress = 0
    yield Beat("active", progress, BEGINNING[0].format_map(task), 1.0)
    while progress < 100:
        progress = min(100, progress + dice.randint(1, 5))
        pause = dice.uniform(1.0, 2.0)
        if silence_at is not None and progress >= silence_at:
            pause, silence_at = dice.uniform(18, 30), None
        yield Beat("active", progress, saying(dice, builder, progress).format_map(task), pause)
        if trouble_at is not None and progress >= trouble_at:
            yield Beat("blocked", progress, dice.choice(TROUBLES).format_map(task), 5.0)
            trouble_at = None


def saying(dice: random.Random, builder: str, progress: int) -> str:
    if progress == 100:
        return "Done: {qa_suite_location} is green here"
    return dice.choice(BEGINNING if progress < 12 else ENDING if progress > 85 else MIDDLE[builder])
