"""Two organisations and the office itself, with a row in every table, and members' sessions."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from types import SimpleNamespace
from uuid import UUID

import psycopg
import pytest
from django.db import connection, connections

from builders import actions as builders
from foreman_office.notifications import worker
from governance.models import QATestResult
from kit.runtime.database_addresses import MEMBER, parameters_of
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BudgetFactory,
    BuilderFactory,
    CompletionClaimFactory,
    EntityNoteFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    OrganisationFactory,
    OrganisationMemberFactory,
    PlanNoteFactory,
    ProgramFactory,
    QAExecutionFactory,
    QuestionFactory,
    TaskFactory,
    TaskLinkFactory,
    TaskNoteFactory,
    WaveFactory,
)

ITSELF = UUID(int=0)
SET_ORGANISATION = "SELECT set_config('foreman.organisation', %s, true)"
# What no factory makes: a row for a task, its run, its program and a builder.
ROWS = """
    INSERT INTO agent_stops (task_id, builder_id, session, held, changed_at)
    VALUES (%(task)s, %(builder)s, 'main', 1, now());
    INSERT INTO usage_sessions (builder_id, service, session, tokens_from, cost_from, seen_at)
    VALUES (%(builder)s, 'agent', %(name)s, 0, 0, now());
    INSERT INTO usage_hours
        (builder_id, task_id, usage_session_id, model, kind, source, hour, amount, estimate,
        unpriced)
    SELECT %(builder)s, %(task)s, max(usage_session_id), 'm', 'input', 0, now(), 1, 0, 0
    FROM usage_sessions;
    INSERT INTO qa_paired_tests (execution_id, earlier_id, name, later_name, rule)
    VALUES (%(run)s, %(run)s, %(name)s, %(name)s, 'alike');
    INSERT INTO import_turns VALUES (%(program)s);
    INSERT INTO notices (key, kind, broken, title, entity_type, entity_id, entity_name, program_id,
        happened, impact_words, otherwise, remedy, impact, since, openings, opened_at, worsened_at)
    VALUES (%(name)s, 'stall', true, %(name)s, 'task', %(task)s, %(name)s, %(program)s, '', '',
        '', '', 1, now(), '[]', now(), now());
"""


def furnish(name, organisation, builder):
    """Make a program of an organisation with a row in every table that hangs on it."""
    program = ProgramFactory(name=f"program of {name}", organisation_id=organisation or None)
    wave = WaveFactory(program=program, name=f"wave of {name}")
    task = TaskFactory(
        wave=wave,
        name=f"task of {name}",
        qa_suite_location=f"tests/{name}",
        state="in-progress",
        evidence_location=f"s3://{name}",
    )
    spare = TaskFactory(wave=wave, name=f"spare task of {name}")
    holder = BuilderFactory(builder_id=builder, current_task=task, state="active")
    HeartbeatFactory(builder=holder, task=task, message=f"message of {name}")
    blocker = BlockerFactory(entity=spare, description=f"blocker of {name}")
    GovernanceViolationFactory(task=task, description=f"violation of {name}")
    ArchitectureValidationFactory(task=task)
    run = QAExecutionFactory(
        task=task,
        qa_suite_location=f"tests/{name}",
        failing_tests=1,
        total_tests=1,
        passing_tests=0,
    )
    QATestResult.objects.create(execution=run, name=f"test of {name}", outcome="failed")
    CompletionClaimFactory(task=task, builder=holder)
    TaskLinkFactory(task=task, label=f"link of {name}")
    TaskNoteFactory(task=task, text=f"note of {name}")
    QuestionFactory(task=task, question=f"question of {name}")
    EntityNoteFactory(wave=wave, text=f"entity note of {name}")
    PlanNoteFactory(program=program, note=f"plan note of {name}")
    BudgetFactory(program=program)
    builders.make_badge(program, by=None)
    with connection.cursor() as cursor:
        cursor.execute(
            ROWS,
            {
                "task": task.pk,
                "builder": builder,
                "name": name,
                "run": run.pk,
                "program": program.pk,
            },
        )
    return SimpleNamespace(
        name=name,
        id=organisation or ITSELF,
        program=program,
        wave=wave,
        task=task,
        spare=spare,
        builder=holder,
        blocker=blocker,
        run=run,
    )


def organisation_of(name):
    """Make an organisation with a member; return its id."""
    organisation = OrganisationFactory(name=f"organisation of {name}")
    OrganisationMemberFactory(organisation=organisation, user__username=f"member of {name}")
    return organisation.pk


@pytest.fixture
def three(transactional_db):
    """Two organisations, a and b, and the office itself, each with a builder at work."""
    return SimpleNamespace(
        a=furnish("alpha", organisation_of("alpha"), "ui-builder"),
        b=furnish("beta", organisation_of("beta"), "qa-builder"),
        itself=furnish("omega", None, "api-builder"),
    )


@contextmanager
def member_session(**parameters):
    """Lend a session of the members' role, which works for nobody yet."""
    params = parameters_of(MEMBER) | {"dbname": connection.settings_dict["NAME"]} | parameters
    with closing(psycopg.connect(**params, autocommit=True)) as session:
        yield session


@contextmanager
def member_of(organisation):
    """Lend a session of the members' role, in a transaction that works for an organisation."""
    with member_session() as session, session.transaction():
        session.execute(SET_ORGANISATION, [str(organisation.id)])
        yield session


def work_once():
    try:
        worker.run(wait=False, install_signal_handlers=False)
    finally:
        connections.close_all()


def deliver():
    """Let a worker deliver all that is queued."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    # In a thread of its own: a browser of another test may keep an event loop in this one.
    with ThreadPoolExecutor(1) as threads:
        threads.submit(work_once).result()
