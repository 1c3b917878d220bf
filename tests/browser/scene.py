"""An office in the middle of a day: every state on the page at once, for tests and for pictures."""

from datetime import timedelta
from decimal import Decimal

from django.utils.timezone import now

from builders.actions import count_usage
from builders.models import Builder, UsageKind, UsageSource
from builders.usage import DataPoint, Remark
from governance.actions import resolve_blocker, set_budget
from programs.actions import complete_task, start_task
from programs.history import recording
from programs.models import Program, Task, Wave
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.scenes import past_the_rules

DAY_NS = 24 * 3600 * 10**9
STATES = {"C": "completed", "I": "in-progress", "P": "planned", "B": "blocked", "F": "failed"}

# Waves of one program: name, state, tasks by state, the waves it follows.
WAVES = [
    ("Foundation", "C", "CCCCC", []),
    ("Recruitment of builders", "C", "CCCCC", []),
    ("Schema", "C", "CCCCCC", [1]),
    ("Planning core", "C", "CCCCCCC", [1, 2]),
    ("Red suites for every component", "C", "CCCCCCCC", [3, 4]),
    ("Execution core", "I", "CCCCCCCCCIBP", [5]),
    ("Integration", "F", "CCCCFIPPP", [5]),
    ("Interface", "I", "CCCIPPPPPPP", [5]),
    ("Analytics and dashboards", "P", "PPPPPPPPPPPPPP", [6, 7]),
]
TASKS = [
    "Escalation ping generator",
    "Approval gate state machine",
    "Reconnect after broker restart",
    "Unread marker of the conversation panel",
    "Drift detection",
    "Intent intake",
    "Evidence retention",
    "Risk scoring of a proposal",
    "Governance rule loader",
    "Builder capability registry",
    "Notification digest",
    "Rollback of a failed deployment",
    "Audit export",
    "Blast radius estimate",
]
RUNS = [(0, 15, 0), (5, 10, 0), (8, 6, 1), (9, 6, 0), (8, 7, 0), (11, 4, 0), (12, 3, 0), (14, 1, 0)]


def furnish() -> dict[str, object]:
    """Fill the office, and return what pages are about."""
    with recording("the morning"):
        program = make_program()
    annex = ProgramFactory(
        name="Annex 1 implementation", state="planned", description="Five modules of the annex."
    )
    for number in (1, 2):
        TaskFactory.create_batch(
            4, wave=WaveFactory(program=annex, sequence_number=number, state="planned")
        )
    running = list(Task.objects.filter(state="in-progress").order_by("wave__sequence_number"))
    put_to_work("api-builder", running[0], minutes=36, progress=88, last=12, message=SAID)
    put_to_work("ui-builder", running[2], minutes=15, progress=42, last=31, message="Panel renders")
    put_to_work(
        "integration-builder", running[1], minutes=64, progress=52, last=250, message="Rebasing"
    )
    HeartbeatFactory(
        builder=BuilderFactory(builder_id="qa-builder"), status="idle", message="Suite is parked"
    )
    judge(running[0])
    finish(program)
    trouble(program)
    cost(running[0], program)
    return {"program": program, "task": running[0], "wave": running[0].wave}


SAID = "Iteration 8: all green locally but the digest test, tidying imports"


def make_program() -> Program:
    program = ProgramFactory(
        name="Foreman Office runtime, waves 0 and 1",
        description="Governance, build orchestration and escalation, built by five builders under"
        " one human authority.",
        objectives=[
            "Build the foundational subsystems of the runtime",
            "Turn every QA component green",
            "Freeze the architecture and have failing tests before any build",
            "Keep test debt at zero",
        ],
        evidence_location="evidence/",
    )
    waves: list[Wave] = []
    names = ["ui-builder", "api-builder", "schema-builder", "integration-builder", "qa-builder"]
    for number, (name, state, tasks, after) in enumerate(WAVES, start=1):
        wave = WaveFactory(
            program=program,
            name=name,
            sequence_number=number,
            state=STATES[state],
            dependencies=[str(waves[before - 1].pk) for before in after],
        )
        waves.append(wave)
        for place, letter in enumerate(tasks):
            begun = now() - timedelta(days=len(WAVES) - number, hours=4, minutes=17 * place)
            TaskFactory(
                wave=wave,
                name=f"{TASKS[place]}",
                state=STATES[letter],
                assigned_builder=names[(place + number) % 5] if place % 4 else None,
                progress_percentage={"C": 100, "I": 60, "B": 35, "F": 70, "P": 0}[letter],
                started_at=None if letter == "P" else begun,
                completed_at=begun + timedelta(minutes=52) if letter in "CF" else None,
            )
    return program


def put_to_work(name, task, *, minutes, progress, last, message):
    """Assign a builder a task for some minutes, its last beat so many seconds ago."""
    began = now() - timedelta(minutes=minutes)
    with recording("the morning"):
        past_the_rules(task, assigned_builder=name, started_at=began)
        task.assigned_builder = name
        builder = BuilderFactory(builder_id=name, current_task=task)
    # As if it had been there all the while: the row itself was made a moment ago.
    Builder.objects.filter(pk=name).update(last_heartbeat=began, heard_at=began, assigned_at=began)
    end = now() - timedelta(seconds=last)
    beats = int((end - began).total_seconds() // 60)
    for number in range(beats + 1):
        if beats > 20 and number in (9, 10):
            continue
        HeartbeatFactory(
            builder=builder,
            task=task,
            timestamp=end - timedelta(seconds=60 * (beats - number)),
            progress_percentage=round(progress * max(number - 2, 0) / max(beats - 2, 1)),
            message=message if number == beats else f"Iteration {number // 5 + 1}",
        )


def cost(task, program):
    """Tell what was used for a task: with a cost, at a price, and without either."""
    at = int(now().timestamp()) * 10**9
    kinds = [
        ("claude-sonnet-4-5-20250929", "told", {"input": 91_400, "output": 22_800, "cost": "6.42"}),
        ("gemini-2.5-pro", "estimated", {"input": 40_000, "cache_read": 1_266_300}),
        ("a-model-without-a-price", "unpriced", {"output": 2_249}),
    ]
    count_usage(
        "api-builder",
        [
            DataPoint(
                service="agent",
                session=session,
                source=UsageSource.AGENT_METRIC,
                digest=f"{model} {kind}".encode()[-32:].ljust(32),
                is_cumulative=False,
                model=model,
                kind=UsageKind(kind),
                part_of=None,
                started_ns=at - day * DAY_NS - 1,
                at_ns=at - day * DAY_NS,
                value=Decimal(amount),
                task=task.pk,
                price=Decimal("0.000002") if session == "estimated" else None,
            )
            for model, session, counts in kinds
            for kind, amount in counts.items()
            for day in (0, 1, 4)
        ],
        [Remark("my.counter", "This metric is not known.")],
    )
    set_budget(program, amount=Decimal(100), reason="The first phase.", is_gate=True, by=None)


def judge(task):
    for number, (passing, failing, skipped) in enumerate(RUNS):
        QAExecutionFactory(
            task=task,
            passing_tests=passing,
            failing_tests=failing,
            skipped_tests=skipped,
            executed_at=now() - timedelta(minutes=4 * (len(RUNS) - number)),
            execution_time_ms=8400 + 350 * number,
        )
    documents = {"true north": True, "design": True, "integration": True, "wireframes": False}
    ArchitectureValidationFactory(
        task=task,
        validation_results={
            "Required documents": documents,
            "Tests": {"plan": True, "coverage of requirements": False, "edge cases": True},
        },
        pass_rate="71.43",
        build_readiness="NOT_READY",
        validated_at=now() - timedelta(hours=5),
    )
    ArchitectureValidationFactory(
        task=task,
        validation_results={
            "Required documents": dict.fromkeys(documents, True),
            "Tests": {"plan": True, "coverage of requirements": True, "edge cases": True},
        },
        validated_at=now() - timedelta(hours=1),
    )


def finish(program):
    """Complete two tasks of the foreman's own, and resolve a blocker, a moment ago."""
    own = Task.objects.filter(wave__program=program, wave__name="Interface", state="planned")
    for task in own.filter(assigned_builder=None).order_by("pk")[:2]:
        ArchitectureValidationFactory(task=task)
        QAExecutionFactory(task=task, passing_tests=0, failing_tests=12)
        start_task(task, by=None)
        QAExecutionFactory(task=task, passing_tests=12, executed_at=now())
        complete_task(task, evidence_location="evidence/interface/", by=None)
    blocker = BlockerFactory(entity=task.wave, classification="protected_path")
    resolve_blocker(blocker, resolution_action="The path was opened for this wave.", by=None)


def trouble(program):
    blocked = Task.objects.get(wave__program=program, state="blocked")
    BlockerFactory(
        entity=blocked,
        description="Three QA runs in a row were not green and passed no more tests than before.",
        detected_at=now() - timedelta(minutes=22),
    )
    BlockerFactory(
        entity=program.waves.get(sequence_number=9),
        classification="architecture_qa_mismatch",
        description="The dashboard's architecture names nine charts, its QA suite tests eleven.",
        detected_at=now() - timedelta(hours=3),
    )
    GovernanceViolationFactory(
        task=Task.objects.filter(wave__program=program, state="completed").order_by("name")[0],
        violation_type="suite size changed",
        description="Sixty tests were removed from the suite while the task was in progress.",
        detected_at=now() - timedelta(minutes=50),
    )
