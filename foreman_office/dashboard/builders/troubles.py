"""What is shown of a builder that has a task and makes no progress, by its verdict."""

from typing import Any, NamedTuple

from builders.models import Verdict


class BuilderTrouble(NamedTuple):
    """What happened, why it matters, what follows from it, and what ends it."""

    title: str
    happened: str
    matters: str
    otherwise: str
    remedy: str


TAKE_BACK = "Or take the task back, so that another builder can take it."

TROUBLES = {
    Verdict.SILENT: BuilderTrouble(
        "Silent builder",
        "It has not reported for more than {threshold}, while assigned to “{task}”.",
        "It is unknown whether the work continues, and no other builder can take the task.",
        "If it stays silent for another {threshold} at most, a stall is declared and the task is"
        " blocked; a heartbeat undoes it.",
        f"A heartbeat ends the silence. {TAKE_BACK}",
    ),
    Verdict.SPINNING: BuilderTrouble(
        "Spinning builder",
        "At least ten heartbeats on “{task}” report the same: {progress} %.",
        "The builder is running without progress, and does not report a problem.",
        "It keeps sending heartbeats, without progress.",
        "New progress, or a run in which more tests pass, ends it. If neither comes, return the"
        " task to the plan.",
    ),
    Verdict.WAITING: BuilderTrouble(
        "Waiting builder",
        "It reports that it is blocked, while assigned to “{task}”.",
        "The work does not continue until what it waits for is there.",
        "It keeps waiting.",
        "Its next active heartbeat ends it. Its message or a blocker says what it waits for.",
    ),
    Verdict.IDLE_WITH_WORK: BuilderTrouble(
        "Idle with work",
        "It reports that it is idle, while assigned to “{task}”.",
        "Nobody works on the task, and no other builder can take it.",
        "The task stays {state}, and nothing happens.",
        f"An active heartbeat about the task ends it. {TAKE_BACK}",
    ),
    Verdict.NOT_BEGUN: BuilderTrouble(
        "Task not begun",
        "“{task}” was assigned to it more than {threshold} ago. Its heartbeats come, and none has"
        " begun the task.",
        "Nobody works on the task, and no other builder can take it.",
        "The task stays {state}, and nothing happens.",
        f"An active heartbeat that names the task begins it. {TAKE_BACK}",
    ),
    Verdict.BUSY_ELSEWHERE: BuilderTrouble(
        "Busy with something else",
        "Its heartbeats come, and none was about “{task}” for more than {threshold}.",
        "It is unknown whether anybody works on the task, and no other builder can take it.",
        "The task stays {state}; its progress is not reported.",
        f"A heartbeat that names the task ends it. {TAKE_BACK}",
    ),
    Verdict.PARENT_BLOCKED: BuilderTrouble(
        "Working under a blocked wave or program",
        "Its task “{task}” goes on, while its {parent} is blocked.",
        "The task cannot be completed until that is over; the work may be in vain.",
        "The builder goes on, and its claims are refused.",
        "Unblock the {parent}. Or take the task back.",
    ),
}


def trouble_of(builder: Any) -> BuilderTrouble | None:
    """Return what is wrong with a builder and its task, in words; None where nothing is."""
    trouble, task = TROUBLES.get(builder.verdict), builder.current_task
    if trouble is None or task is None:
        return None
    words = {
        "task": task,
        "threshold": f"{builder.threshold_seconds} s",
        "progress": task.progress_percentage,
        "state": task.get_state_display().lower(),
        "parent": "wave" if task.wave.state == "blocked" else "program",
    }
    return BuilderTrouble(*(sentence.format(**words) for sentence in trouble))
