"""A program, wave, task or builder as a page shows it as of a moment."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from builders.models import Builder, Heartbeat
from builders.models.heartbeats import RECEIVED
from foreman_office.dashboard.as_of.moments import must_have_existed
from governance.as_of import PastKey, PastRow, rows_as_of, tasks_come_to, waves_come_to
from governance.as_of_progress import mean_progress, progress_of_tasks
from governance.models import Classification
from kit.web.addresses import address_of, address_then
from programs.models import is_late

type Record = dict[str, Any]  # a row as it was, with its address as of the moment

OF_TASKS = ("blocker", "violation", "validation", "qa_run", "question", "link", "note")


class PastPlan(NamedTuple):
    """Waves as they were, with their tasks, their progress, and what was open about all of it."""

    waves: list[Record]
    blockers: list[Record]
    progress: int | None

    @property
    def counts(self) -> Counter[str]:
        return sum((wave["counts"] for wave in self.waves), Counter())


def program_then(key: UUID, moment: datetime) -> Record:
    """Return a program as of a moment, with its waves and what was open in it."""
    must_have_existed("program", key, moment)
    program, plan = plan_then(moment, waves_come_to(key, moment), program=key)
    return program | {"plan": plan, "progress": plan.progress}


def wave_then(key: UUID, moment: datetime) -> Record:
    """Return a wave as of a moment, with its tasks, its program and what it depended on."""
    must_have_existed("wave", key, moment)
    _, plan = plan_then(moment, [key])
    (wave,) = plan.waves
    others = [UUID(each) for each in wave["dependencies"]]
    program = UUID(wave["program_id"])
    entities = [("program", program), *(("wave", other) for other in others)]
    rows = rows_as_of(entities, moment, ["program", "wave"])
    return wave | {
        "plan": plan,
        "program": as_shown("program", rows["program"][0], moment),
        "depends_on": [as_shown("wave", row, moment) for row in rows["wave"]],
    }


def task_then(key: UUID, moment: datetime) -> Record:
    """Return a task as of a moment, with its wave, its program and what was open about it."""
    must_have_existed("task", key, moment)
    rows = rows_as_of([("task", key)], moment, ["task", *OF_TASKS])
    task = as_shown("task", rows["task"][0], moment)
    wave = rows_as_of([("wave", UUID(task["wave_id"]))], moment, ["wave"])["wave"][0]
    program = rows_as_of([("program", UUID(wave.values["program_id"]))], moment, ["program"])
    records = {noun: [row.values for row in rows[noun]] for noun in OF_TASKS}
    own = [
        run for run in records["qa_run"] if run["qa_suite_location"] == task["qa_suite_location"]
    ]
    return task | {
        "progress": progress_of_tasks(rows["task"], moment)[key],
        "wave": as_shown("wave", wave, moment),
        "program": as_shown("program", program["program"][0], moment),
        "builder_address": builder_address(task["assigned_builder"], moment),
        "blockers": blockers_open(rows["blocker"]),
        "violations": [each for each in records["violation"] if not each["resolved_at"]],
        "run": own[-1] if own else None,
        "run_address": address_of("governance:quality_run", own[-1]["execution_id"]) if own else "",
        "validation": records["validation"][-1] if records["validation"] else None,
        "questions": [
            each
            for each in records["question"]
            if not each["answered_at"] and not each["withdrawn_at"]
        ],
        "links": records["link"],
        "notes": records["note"],
    }


def builder_then(builder: Builder, moment: datetime) -> Record:
    """Return a builder as of a moment: its state, its task, its pause, and its last heartbeat."""
    must_have_existed("builder", builder.entity_id, moment)
    about = [("builder", builder.entity_id)]
    rows = rows_as_of(about, moment, ["builder", "pause", "violation"])
    values = rows["builder"][0].values
    held = values["current_task_id"]
    tasks = rows_as_of([("task", UUID(held))], moment, ["task"])["task"] if held else []
    heard = builder.heartbeats.alias(received=RECEIVED).filter(received__lte=moment)
    last: Heartbeat | None = heard.newest_first().first()
    return values | {
        "name": builder.pk,
        "task": as_shown("task", tasks[0], moment) if tasks else None,
        "progress": next(iter(progress_of_tasks(tasks, moment).values()), None),
        "pause": next((each for each in map(_values, rows["pause"]) if _runs(each, moment)), None),
        "violations": [each for each in map(_values, rows["violation"]) if not each["resolved_at"]],
        "last_beat": last,
    }


def plan_then(
    moment: datetime, waves: Collection[UUID], program: UUID | None = None
) -> tuple[Record, PastPlan]:
    """Return waves as of a moment, and the program if it is asked for."""
    tasks = tasks_come_to(waves, moment) if waves else []
    entities: list[PastKey] = [("program", program)] if program else []
    entities += [*(("wave", key) for key in waves), *(("task", key) for key in tasks)]
    rows = rows_as_of(entities, moment, ["program", "wave", "task", "blocker"])
    progress = progress_of_tasks(rows["task"], moment)
    drawn: list[Record] = []
    places: dict[PastKey, Record] = {}
    for row in rows["wave"]:
        if program in (None, UUID(row.values["program_id"])):
            drawn.append(as_shown("wave", row, moment) | {"tasks": []})
            places["wave", drawn[-1]["key"]] = drawn[-1]
    for row in rows["task"]:
        if wave := places.get(("wave", UUID(row.values["wave_id"]))):
            task = as_shown("task", row, moment)
            task["progress"] = progress[task["key"]]
            wave["tasks"].append(task)
            places["task", task["key"]] = task
    for wave in drawn:
        wave["progress"] = mean_progress([task["progress"] for task in wave["tasks"]])
        wave["counts"] = Counter(task["state"] for task in wave["tasks"])
    drawn.sort(key=lambda wave: wave["sequence_number"])
    whole: Record = {}
    if program:
        whole = as_shown("program", rows["program"][0], moment)
        places["program", program] = whole
    blockers = [
        blocker | {"entity": places[blocker["entity_type"], UUID(blocker["entity_id"])]}
        for blocker in blockers_open(rows["blocker"])
        if (blocker["entity_type"], UUID(blocker["entity_id"])) in places
    ]
    return whole, PastPlan(drawn, blockers, mean_progress([wave["progress"] for wave in drawn]))


def as_shown(kind: str, row: PastRow, moment: datetime) -> Record:
    """Return a row as a page shows it: its values, its key, and its address as of the moment.

    Beside its due date it has whether it was late then.
    """
    key, due_on = UUID(row.values[f"{kind}_id"]), row.values.get("due_on")
    due = date.fromisoformat(due_on) if due_on else None
    return row.values | {
        "key": key,
        "due_on": due,
        "is_late": is_late(row.values["state"], due, moment.astimezone(UTC).date()),
        "address": address_then(address_of(f"programs:{kind}", key), moment),
    }


def blockers_open(rows: Iterable[PastRow]) -> list[Record]:
    return [
        blocker | {"kind_words": Classification(blocker["classification"]).label}
        for blocker in map(_values, rows)
        if not blocker["resolved_at"]
    ]


def builder_address(name: str | None, moment: datetime) -> str:
    return address_then(Builder(pk=name).get_absolute_url(), moment) if name else ""


def _values(row: PastRow) -> Record:
    return row.values


def _runs(pause: Record, moment: datetime) -> bool:
    return pause["started_at"] <= moment < (pause["ended_at"] or pause["ends_at"])
