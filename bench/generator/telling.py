"""The rows that a story leaves in the tables, and the evidence that triggers would have written."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import md5
from itertools import count
from typing import Any
from uuid import UUID

from bench.generator import words
from bench.generator.beats import ReportedWork
from bench.generator.plan import (
    DAY,
    Attempt,
    ProgramStory,
    RunStory,
    TaskStory,
    TroubleStory,
    WaveStory,
)
from bench.generator.story import Story
from programs.models import BuilderName

NAMED = 6 * DAY  # for so long the tests of a run are known by name
FOREMAN = "foreman"
BACKENDS = {
    BuilderName.UI: ("hosted", "hosted-medium"),
    BuilderName.API: ("hosted", "hosted-large"),
    BuilderName.SCHEMA: ("local", "local-34b"),
    BuilderName.INTEGRATION: ("burst", "hosted-large"),
    BuilderName.QA: ("local", "local-70b"),
}

type RowValues = dict[str, Any]


class TrackedRow:
    """A governed row whose every change leaves evidence."""

    def __init__(
        self, teller: "RecordWriter", entity: tuple[str, str], row: RowValues, noun: str
    ) -> None:
        self.teller, self.entity, self.row, self.noun = teller, entity, row, noun

    def change(self, at: float, action: str, by: str = FOREMAN, **fields: Any) -> None:
        changes = {name: [self.row[name], value] for name, value in fields.items()}
        context: RowValues = {"changes": changes}
        if "state" in changes:
            context |= {"from": changes["state"][0], "to": changes["state"][1]}
        self.row |= fields
        if self.noun not in ("program", "wave", "task", "builder"):
            context["snapshot"] = dict(self.row)
        if "updated_at" in self.row:
            self.row["updated_at"] = self.teller.moment(at)
        self.teller.witness(at, self.entity, action, by, context)


class RecordWriter:
    """Writes a story as rows, a program at a time: `take` returns and empties its `tables`."""

    def __init__(self, story: Story, worked: Mapping[UUID, ReportedWork], now: datetime) -> None:
        self.story, self.worked = story, worked
        self.zero = now.timestamp() - story.now
        self.tables: dict[str, list[RowValues]] = defaultdict(list)
        self.recorded = count(1)  # the order in which runs and validations were recorded

    def take(self) -> dict[str, list[RowValues]]:
        taken, self.tables = self.tables, defaultdict(list)
        return taken

    def moment(self, at: float) -> str:
        return datetime.fromtimestamp(self.zero + at, UTC).isoformat()

    def witness(
        self, at: float, entity: tuple[str, str], action: str, by: str, context: RowValues
    ) -> None:
        backend, model = BACKENDS[BuilderName(by)] if by != FOREMAN else (None, None)
        if by == FOREMAN:
            context = {"user": FOREMAN} | context
        self.tables["evidence_trail"].append(
            {
                "evidence_id": str(self.story.key()),
                "entity_type": entity[0],
                "entity_id": entity[1],
                "action": action,
                "actor": by,
                "backend": backend,
                "model": model,
                "context": context,
                "timestamp": self.moment(at),
            }
        )

    def create(self, at: float, noun: str, key: str, row: RowValues) -> TrackedRow:
        moment = self.moment(at)
        row |= {"created_at": moment, "updated_at": moment}
        self.tables[f"{noun}s"].append(row)
        self.witness(at, (noun, key), "created", FOREMAN, {"snapshot": dict(row)})
        return TrackedRow(self, (noun, key), row, noun)

    def record(
        self, at: float, table: str, noun: str, verb: str, task: TaskStory, by: str, row: RowValues
    ) -> TrackedRow:
        """Write a judgement of a task, and its evidence."""
        self.tables[table].append(row)
        entity = ("task", str(task.key))
        self.witness(at, entity, f"{noun}_{verb}", by, {"snapshot": dict(row)})
        return TrackedRow(self, entity, row, noun)

    # --- programs and waves -----------------------------------------------------------------------

    def tell_program(self, program: ProgramStory) -> None:
        key = str(program.key)
        row = {
            "program_id": key,
            "name": program.name,
            "description": f"Everything about the {program.name.lower()}, from data to screens.",
            "objectives": [
                f"Replace what is left of the old {program.name.lower()}",
                "Keep test debt at zero",
            ],
            "state": "planned",
            "progress_percentage": 0,
            "evidence_location": f"evidence/{words.slug(program.name)}/",
        }
        told = self.create(program.created, "program", key, row)
        waves = [self.tell_wave(wave) for wave in program.waves]
        row["progress_percentage"] = mean(waves)
        if program.begun is not None:
            told.change(program.begun, "state_changed", state="in-progress")
        if program.trouble:
            self._block(told, program.trouble)
        if program.failed is not None:
            told.change(program.failed, "state_changed", state="failed")
        if program.ended is not None:
            told.change(program.ended, "state_changed", state="completed")

    def tell_wave(self, wave: WaveStory) -> int:
        """Write the rows of a wave and its tasks, and return its progress."""
        key = str(wave.key)
        row = {
            "wave_id": key,
            "program_id": str(wave.program.key),
            "name": wave.name,
            "sequence_number": wave.number,
            "dependencies": [str(each.key) for each in wave.needs],
            "state": "planned",
            "progress_percentage": 0,
        }
        told = self.create(wave.program.created, "wave", key, row)
        since = wave.ended if wave.ended is not None else self.story.now
        named = wave.begun is not None and since > self.story.now - NAMED
        tasks = [self.tell_task(task, named) for task in wave.tasks]
        row["progress_percentage"] = mean(tasks)
        if wave.begun is not None:
            told.change(wave.begun, "state_changed", state="in-progress")
        if wave.trouble:
            self._block(told, wave.trouble)
        if wave.ended is not None:
            told.change(wave.ended, "state_changed", state="completed")
        return row["progress_percentage"]

    def _block(self, told: TrackedRow, trouble: TroubleStory) -> TrackedRow:
        """Write the blocker, and mark the entity as blocked by it."""
        blocker = self._raise(told.entity, trouble)
        told.change(trouble.since, "state_changed", state="blocked")
        return blocker

    def _raise(self, entity: tuple[str, str], trouble: TroubleStory) -> TrackedRow:
        row = {
            "blocker_id": str(self.story.key()),
            "entity_type": entity[0],
            "entity_id": entity[1],
            "classification": trouble.kind,
            "description": words.BLOCKERS[trouble.kind],
            "detected_at": self.moment(trouble.since),
            "resolved_at": None,
            "resolution_action": None,
            "occurrences": 1,
        }
        self.tables["blockers"].append(row)
        self.witness(trouble.since, entity, "blocker_raised", FOREMAN, {"snapshot": dict(row)})
        return TrackedRow(self, entity, row, "blocker")

    # --- tasks ------------------------------------------------------------------------------------

    def tell_task(self, task: TaskStory, named: bool) -> int:
        """Write a task's rows from its creation to its last state, and return its progress."""
        rng, key = self.story.rng, str(task.key)
        row = {
            "task_id": key,
            "wave_id": str(task.wave.key),
            "name": task.name,
            "architecture_reference": task.architecture,
            "qa_suite_location": task.suite,
            "acceptance_criteria": "\n".join(rng.sample(words.CRITERIA, 3)),
            "assigned_builder": task.builder,
            "state": "planned",
            "progress_percentage": 0,
            "evidence_location": None,
            "started_at": None,
            "completed_at": None,
            "worked_at": None,
        }
        told = self.create(task.wave.program.created, "task", key, row)
        if task.doubted is not None:
            self._validate(task, task.doubted, doubted=True)
        if task.validated is not None:
            self._validate(task, task.validated)
        if task.red:
            self._run(task, task.red, named)
        for attempt in task.attempts:
            self._tell_attempt(task, told, attempt, named)
        if task.trouble:
            self._break_rule(task, task.trouble)
            self._block(told, task.trouble)
        if worked := self.worked.get(task.key):
            row["worked_at"] = worked.at and self.moment(worked.at)
            if row["state"] != "completed":
                row["progress_percentage"] = worked.progress
                row["updated_at"] = max(row["updated_at"], row["worked_at"] or "")
        return row["progress_percentage"]

    def _tell_attempt(
        self, task: TaskStory, told: TrackedRow, attempt: Attempt, named: bool
    ) -> None:
        builder = attempt.builder
        if builder:
            told.change(attempt.assigned, "state_changed", state="assigned")
        if attempt.begun <= self.story.now:
            fields = {"state": "in-progress"}
            if told.row["started_at"] is None:
                fields["started_at"] = self.moment(attempt.begun)
            told.change(attempt.begun, "state_changed", builder or FOREMAN, **fields)
        for run in attempt.runs:
            self._run(task, run, named)
        if trouble := attempt.trouble:
            self._interrupt(task, told, trouble, builder or FOREMAN)
        if attempt.outcome == "completed":
            self._complete(task, told, attempt)
        elif attempt.outcome == "failed":
            told.change(attempt.end, "state_changed", state="failed")
        if attempt.planned_again is not None:
            told.change(attempt.planned_again, "state_changed", state="planned")

    def _interrupt(
        self, task: TaskStory, told: TrackedRow, trouble: TroubleStory, builder: str
    ) -> None:
        """Block an assigned task, and unblock it in the state that it had."""
        violation = self._break_rule(task, trouble, builder)
        blocker = self._block(told, trouble)
        if trouble.until is None:
            return
        over, how = self.moment(trouble.until), words.RESOLUTIONS[trouble.kind]
        if violation:
            violation.change(trouble.until, "violation_resolved", resolved_at=over, resolution=how)
        blocker.change(trouble.until, "blocker_resolved", resolved_at=over, resolution_action=how)
        told.change(trouble.until, "state_changed", state="in-progress")

    def _break_rule(
        self, task: TaskStory, trouble: TroubleStory, by: str | None = None
    ) -> TrackedRow | None:
        if trouble.kind != "constitutional_violation":
            return None
        kind = self.story.rng.choice([*words.VIOLATIONS])
        row = {
            "violation_id": str(self.story.key()),
            "task_id": str(task.key),
            "builder_id": by or task.builder,
            "violation_type": kind,
            "description": words.VIOLATIONS[kind],
            "detected_at": self.moment(trouble.since),
            "resolution": None,
            "resolved_at": None,
        }
        return self.record(
            trouble.since, "governance_violations", "violation", "recorded", task, FOREMAN, row
        )

    def _complete(self, task: TaskStory, told: TrackedRow, attempt: Attempt) -> None:
        program, builder = task.wave.program, attempt.builder or FOREMAN
        place = f"evidence/{words.slug(program.name)}/{task.wave.number}-{task.number}/"
        done = {
            "state": "completed",
            "completed_at": self.moment(attempt.end),
            "progress_percentage": 100,
        }
        if attempt.builder is None:
            told.change(attempt.end, "state_changed", evidence_location=place, **done)
            return
        told.change(attempt.end, "edited", builder, evidence_location=place)
        told.change(attempt.end, "state_changed", builder, **done)
        row = {
            "claim_id": str(self.story.key()),
            "task_id": str(task.key),
            "builder_id": builder,
            "claimed_at": self.moment(attempt.end),
            "accepted": True,
            "conditions": [
                {"rule": rule, "met": True, "detail": detail}
                for rule, detail in (
                    ("suite_green", f"{task.tests} of {task.tests} tests pass, 0 are skipped."),
                    ("no_debt", "Test debt: 0."),
                    ("evidence_given", place),
                    ("no_open_blocker", "No blocker is open."),
                )
            ],
        }
        self.record(attempt.end, "completion_claims", "claim", "recorded", task, builder, row)

    def _validate(self, task: TaskStory, at: int, doubted: bool = False) -> None:
        results = {section: dict.fromkeys(items, True) for section, items in words.CHECKS.items()}
        if doubted:
            results["proof"]["failing tests exist"] = False
        row = {
            "validation_id": str(self.story.key()),
            "task_id": str(task.key),
            "architecture_reference": task.architecture,
            "validation_results": results,
            "pass_rate": 85.71 if doubted else 100.0,
            "build_readiness": "NOT_READY" if doubted else "READY",
            "validated_at": self.moment(at),
            "validated_by": FOREMAN,
            "recorded": next(self.recorded),
        }
        self.record(at, "architecture_validations", "validation", "recorded", task, FOREMAN, row)

    def _run(self, task: TaskStory, run: RunStory, named: bool) -> None:
        rng, key = self.story.rng, str(self.story.key())
        clean = run.passing == task.tests and not run.debt
        row = {
            "execution_id": key,
            "task_id": str(task.key),
            "qa_suite_location": task.suite,
            "total_tests": task.tests,
            "passing_tests": run.passing,
            "failing_tests": task.tests - run.passing - run.skipped,
            "skipped_tests": run.skipped,
            "test_debt_count": run.debt,
            "qa_status": "GREEN" if clean else "PARTIAL" if run.passing else "RED",
            "executed_at": self.moment(run.at),
            "execution_time_ms": rng.randint(400, 90_000),
            "arrived_at": self.moment(run.at),
            "recorded": next(self.recorded),
        }
        self.record(run.at, "qa_executions", "qa_run", "recorded", task, BuilderName.QA.value, row)
        if not named:
            return
        for place, name in enumerate(words.test_names(task.name, task.tests)):
            passed = place < run.passing
            skipped = place >= task.tests - run.skipped
            self.tables["qa_test_results"].append(
                {
                    "execution_id": key,
                    "name": name,
                    "outcome": "passed" if passed else "skipped" if skipped else "failed",
                    "flaky": passed and rng.random() < 0.01,
                    "message": None if passed or skipped else "It is not built yet.",
                }
            )

    # --- builders ---------------------------------------------------------------------------------

    def tell_builder(self, row: RowValues) -> RowValues:
        """Write what a builder did, from its present row; return the row as it is afterwards."""
        name = row["builder_id"]
        digest = md5(f"builder:{name}".encode(), usedforsecurity=False).digest()
        told = TrackedRow(self, ("builder", str(UUID(bytes=digest))), dict(row), "builder")
        attempts = self.story.attempts[name]
        backend, model = BACKENDS[name]
        told.change(0, "edited", backend_type=backend, provenance={"model": model})
        for task, attempt in attempts:
            hand = {"current_task_id": str(task.key), "assigned_at": self.moment(attempt.assigned)}
            told.change(attempt.assigned, "assigned", **hand)
            if attempt.begun <= self.story.now:
                self._turn(told, attempt.begun, "active", name)
            if trouble := attempt.trouble:
                stalled = trouble.kind == "builder_stall"
                self._turn(told, trouble.since, "failed" if stalled else "blocked", name)
                if trouble.until is not None:
                    self._turn(told, trouble.until, "active", name)
            if attempt.outcome:
                free = {"current_task_id": None, "assigned_at": None, "state": "idle"}
                since = self.moment(attempt.end)
                told.change(attempt.end, "released", name, **free, state_since=since)
        return told.row

    def _turn(self, told: TrackedRow, at: int, state: str, by: str) -> None:
        told.change(at, "state_changed", by, state=state, state_since=self.moment(at))


def mean(values: list[int]) -> int:
    """Return what AVG()::INTEGER of the values is, and 0 of none."""
    return (2 * sum(values) + len(values)) // (2 * len(values)) if values else 0
