"""What was exported and imported again is the same office, row for row.

Compared are the ten tables: eight of them entire; of the builders what a plan tells (backend and
provenance; the rest is live); of the evidence all that is not the import's own and speaks of
what the program still has, without the two columns that only this database gives (`sequence`,
`witnessed`). What an import itself leaves in the evidence is compared too, but for its ids, times
and numbers.
"""

import json
import tracemalloc
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from io import SEEK_END, BytesIO

import pytest
import yaml
from django.db import connection, transaction
from django.utils.timezone import now
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builders.actions import assign_task
from builders.models import Backend, Builder, HeartbeatStatus
from governance import plans
from governance.actions import (
    raise_blocker,
    record_validation,
    resolve_blocker,
    resolve_violation,
)
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Classification,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from programs.actions import complete_task
from programs.models import BuilderName, Program, State, Task, TaskState
from tests.factories import (
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db

WHOLE_TABLES = [
    "programs",
    "waves",
    "tasks",
    "blockers",
    "heartbeats",
    "governance_violations",
    "architecture_validations",
    "qa_executions",
]


def office():
    """Return the whole office as the comparison sees it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit would check them
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        found = {}
        for table in WHOLE_TABLES:
            cursor.execute(f"SELECT to_jsonb({table}) FROM {table} ORDER BY 1")
            found[table] = documents(cursor)
        cursor.execute("SELECT builder_id, backend_type, provenance FROM builders ORDER BY 1")
        found["builders"] = cursor.fetchall()
        cursor.execute(
            "SELECT to_jsonb(evidence_trail) - '{sequence,witnessed}'::text[] FROM evidence_trail"
            " WHERE NOT context ? 'import' AND (entity_type = 'builder' AND context ? 'key'"
            " OR entity_id IN (SELECT program_id FROM programs UNION SELECT wave_id FROM waves"
            " UNION SELECT task_id FROM tasks)) ORDER BY 1"
        )
        found["evidence_trail"] = documents(cursor)
    return found


def documents(cursor):
    """Return JSON rows as text, equal where jsonb is: 92.30 is 92.3, and true is not 1."""
    return [json.dumps(json.loads(row), sort_keys=True) for (row,) in cursor.fetchall()]


def left_by_import():
    """Return what an import left in the evidence, but for ids, times, numbers and its file.

    An export tells of each builder that the program concerns, whether or not a file ever did.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT entity_type, entity_id, action, actor, backend, model, context - 'import'"
            " FROM evidence_trail WHERE context ? 'import'"
            " AND NOT (entity_type = 'builder' AND action = 'imported')"
            " ORDER BY 1, 2, 3, context::text"
        )
        return cursor.fetchall()


def load(text, name="plan.yaml"):
    plans.apply(plans.read(BytesIO(text.encode()), name), by=None)
    return Program.objects.get()


def exported(program):
    with plans.export(program) as file:
        return file.read().decode()


class Undo(Exception):
    pass


@contextmanager
def passing():
    """Let what is inside happen, and take it back."""
    try:
        with transaction.atomic():
            yield
            raise Undo
    except Undo:
        pass


def comes_back(program):
    """Export, empty the office by the caller's `passing`, and return what to compare."""
    return exported(program), office()


def assert_comes_back(text, before):
    with passing():
        program = load(text)
        assert office() == before
        assert exported(program) == text
        left = left_by_import()
        assert not plans.apply(plans.read(BytesIO(text.encode()), "again.yaml"), by=None)
    return left


# Generated plans

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
) | st.sampled_from(
    [
        "yes",
        "null",
        "~",
        "2026-01-01",
        "1e3",
        "0x1",
        "- a\n- b\n",
        "\n x",
        " x ",
        "a: b",
        "#",
        "'",
        '"',
        "|",
        "%",
        "a\r\nb\t",
        "\x85",
        "\u2028",
        "\ufeff",
        "🜁",
    ]
)
names = texts.filter(bool)
moments = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001
    datetime(2026, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
)
times = moments | st.dates(date(2020, 1, 1), date(2026, 1, 1))
numbers = st.integers(0, 2**31 - 1)
percents = st.integers(0, 100)
builders = st.sampled_from(BuilderName.values)
trees = st.dictionaries(
    texts,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts
        | times,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)
remarks = {
    "source": texts | st.lists(texts, max_size=3),
    "note": texts,
    "derived": st.lists(texts, max_size=2),
    "time_basis": st.sampled_from(["stated", "commit", "day"]),
}
made = {"created_at": moments, "updated_at": moments}


@st.composite
def validations(draw, key):
    results = draw(
        st.dictionaries(texts, st.dictionaries(texts, st.booleans(), max_size=3), max_size=3)
    )
    rate = draw(st.sampled_from([0, 15.4, 92.31, 99.99, 100, 100.0]) | percents)
    return draw(
        st.fixed_dictionaries(
            {"key": st.just(key), "pass_rate": st.just(rate), "validated_at": times},
            optional={
                "architecture_reference": texts,
                "validation_results": st.just(results),
                "build_readiness": st.sampled_from(["READY", "NOT_READY"]),
                "validated_by": names,
                **remarks,
            },
        )
    )


@st.composite
def qa_runs(draw, key):
    small = st.integers(0, 3)
    passing, failing, skipped, debt = draw(st.tuples(small, small, small, st.integers(0, 1)))
    total = passing + failing + skipped
    counts = {"total": total, "passing": passing, "failing": failing, "skipped": skipped}
    left_out = draw(st.sampled_from(["nothing", "total", "passing", "failing", "skipped"]))
    counts.pop(left_out, None)
    green = passing == total and passing and not debt
    status = "RED" if not passing else "GREEN" if green else "PARTIAL"
    more = st.fixed_dictionaries(
        {"executed_at": times, **({"test_debt_count": st.just(debt)} if debt else {})},
        optional={
            "qa_suite_location": texts,
            "qa_status": st.just(status),
            "warnings": numbers,
            "execution_time_ms": numbers,
            **({} if debt else {"test_debt_count": st.just(0)}),
            **remarks,
        },
    )
    return {"key": key, **counts, **draw(more)}


def violations(key):
    return st.fixed_dictionaries(
        {"key": st.just(key), "violation_type": names, "detected_at": times},
        optional={
            "description": texts,
            "builder": builders,
            "committed_by": texts,
            "resolution": texts,
            "resolved_at": times,
            **remarks,
        },
    )


def heartbeats(key):
    return st.fixed_dictionaries(
        {"key": st.just(key), "builder": builders, "at": times},
        optional={
            "status": st.sampled_from(HeartbeatStatus.values),
            "sent_by": texts,
            "task_status": texts,
            "message": texts,
            "progress_percentage": percents,
            **remarks,
        },
    )


@st.composite
def files(draw):
    count = iter(range(1000))

    def key():
        return f"{next(count)}-{draw(texts)}"

    def some(make, at_most=2):
        return [draw(make(key())) for _ in range(draw(st.integers(0, at_most)))]

    def task(key):
        return st.fixed_dictionaries(
            {"key": st.just(key), "name": names},
            optional={
                "assigned_builder": builders,
                "collaborating_builders": st.lists(builders, max_size=2),
                "state": st.sampled_from(TaskState.values),
                "progress_percentage": percents,
                "architecture_reference": texts,
                "qa_suite_location": texts,
                "acceptance_criteria": texts,
                "evidence_location": texts,
                "started_at": times,
                "completed_at": times,
                "worked_at": moments,
                **made,
                **remarks,
            },
        )

    states = st.sampled_from(State.values)
    waves, tasks = [], []
    for number in draw(st.lists(st.integers(-5, 10**9), max_size=3, unique=True)):
        earlier = [wave["key"] for wave in waves]
        wave = draw(
            st.fixed_dictionaries(
                {"key": st.just(key()), "name": names, "sequence_number": st.just(number)},
                optional={
                    "description": texts,
                    "dependencies": st.lists(st.sampled_from(earlier), unique=True)
                    if earlier
                    else st.just([]),
                    "state": states,
                    **made,
                    **remarks,
                },
            )
        )
        wave["tasks"] = some(task)
        waves.append(wave)
        tasks += wave["tasks"]
    for each in tasks:
        each["validations"] = some(validations)
        each["qa_runs"] = some(qa_runs)
        each["violations"] = some(violations)
        each["heartbeats"] = some(heartbeats)
    program = draw(
        st.fixed_dictionaries(
            {"key": st.just(key()), "name": names},
            optional={
                "description": texts,
                "objectives": st.lists(texts, max_size=3),
                "state": states,
                "evidence_location": texts,
                "created_by": st.uuids().map(str),
                "organisation_id": st.uuids().map(str),
                **made,
                **remarks,
            },
        )
    )
    entities = [("program", program["key"])]
    entities += [("wave", wave["key"]) for wave in waves] + [("task", t["key"]) for t in tasks]

    def blocker(key):
        return st.sampled_from(entities).flatmap(
            lambda entity: st.fixed_dictionaries(
                {
                    "key": st.just(key),
                    "entity_type": st.just(entity[0]),
                    "entity": st.just(entity[1]),
                    "classification": st.sampled_from(Classification.values),
                    "detected_at": times,
                    "resolved_at": times,
                },
                optional={
                    "description": texts,
                    "resolution_action": texts,
                    "occurrences": st.integers(1, 2**31 - 1),
                    **remarks,
                },
            )
        )

    def evidence(key):
        about = [*entities, *(("builder", name) for name in BuilderName.values)]
        reserved = {"key", "import", "recorded", "actor_recorded", *remarks}
        return st.sampled_from(about).flatmap(
            lambda entity: st.fixed_dictionaries(
                {
                    "key": st.just(key),
                    "entity_type": st.just(entity[0]),
                    "entity": st.just(entity[1]),
                    "action": names,
                    "timestamp": times,
                },
                optional={
                    "actor": names,
                    "backend": texts,
                    "model": texts,
                    "context": trees.filter(lambda tree: not reserved & tree.keys()),
                    **remarks,
                },
            )
        )

    blockers = some(blocker, 3)
    for first in blockers[:1]:
        del first["resolved_at"]  # one may be open
    told = st.fixed_dictionaries(
        {},
        optional={
            "backend_type": st.sampled_from(Backend.values) | st.none(),
            "provenance": trees,
            **remarks,
        },
    )
    named = draw(st.lists(builders, unique=True, max_size=3))
    return {
        "format_version": 1,
        "program": {**program, "waves": waves},
        "builders": [{"builder_id": name, **draw(told)} for name in named],
        "blockers": blockers,
        "evidence": some(evidence, 3),
    }


class Plainly(yaml.CSafeDumper):
    def ignore_aliases(self, data):
        return True


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(files())
def test_a_generated_plan_comes_back_row_for_row(file):
    with passing():
        program = load(yaml.dump(file, Dumper=Plainly))
        text, before = exported(program), office()
        left = left_by_import()
    assert assert_comes_back(text, before) == left


# The sample, and offices that no file made


def test_the_sample_comes_back_row_for_row():
    with passing():
        program = load(plans.SAMPLE.read_text())
        text, before = exported(program), office()
    assert_comes_back(text, before)


def test_the_sample_is_exported_as_it_was_written():
    """But for what only the office knows: when rows were made, and where builders run."""
    text = exported(load(plans.SAMPLE.read_text()))
    written, again = (
        yaml.load(each, Loader=yaml.CSafeLoader) for each in (plans.SAMPLE.read_text(), text)
    )
    assert without_silence(again) == without_silence(written)


def without_silence(value):
    if isinstance(value, dict):
        return {
            key: without_silence(item)
            for key, item in value.items()
            if key not in ("created_at", "updated_at", "backend_type") and item not in (None, [])
        }
    if isinstance(value, list):
        return [without_silence(item) for item in value]
    if isinstance(value, str) and value.startswith("2026-01-07T16:08:37"):
        return datetime.fromisoformat(value)  # within provenance, where JSON has no times
    return value


@pytest.fixture
def by_hand(db):
    """An office in which people and builders acted, and that no file knows."""
    past = now() - timedelta(days=30)
    program = ProgramFactory(
        name="Lamps", created_at=past, updated_at=past, evidence_location="", objectives=["Light"]
    )
    first = WaveFactory(program=program, sequence_number=1, created_at=past, updated_at=past)
    WaveFactory(program=program, sequence_number=2, dependencies=[str(first.pk)])
    same = [TaskFactory(wave=first, name="Wire a lamp", created_at=past) for _ in range(3)]
    nameless = TaskFactory(wave=first, name="灯", acceptance_criteria="", evidence_location="")
    builder = Builder.objects.get(pk="ui-builder")
    record_validation(same[0], validation_results={"section": {"item": True}}, by=None)
    QAExecutionFactory(task=same[0], passing_tests=0, failing_tests=3)
    assign_task(same[0], builder, by=None)
    HeartbeatFactory(builder=builder, task=same[0], progress_percentage=40, message="")
    QAExecutionFactory(task=same[0], passing_tests=3, executed_at=now())
    same[0].refresh_from_db()
    complete_task(same[0], evidence_location="evidence/lamp/", by=builder)
    for _ in range(2):
        blocker = raise_blocker(first, classification="protected_path", description="", by=None)
    raise_blocker(program, classification="builder_stall", description="Silence.", by=None)
    resolve_blocker(blocker, resolution_action="Opened.", by=None)
    violation = GovernanceViolation.objects.create(
        task=same[1], builder=builder, violation_type="skipped a test", description="One."
    )
    resolve_violation(violation, resolution="", by=None)
    ArchitectureValidation.objects.create(
        task=nameless,
        architecture_reference="",
        validation_results={"section": {"item": True}},
        pass_rate=100,
        build_readiness="READY",
        validated_by="somebody",
    )
    QAExecution.objects.create(
        task=nameless,
        qa_suite_location="tests/",
        total_tests=3,
        passing_tests=1,
        failing_tests=1,
        skipped_tests=1,
        qa_status="PARTIAL",
    )
    Task.objects.filter(wave=first).update(progress_percentage=70)
    same[2].delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_trail (entity_type, entity_id, action, actor, context)"
            " VALUES ('task', %s, 'noted', 'somebody', '{\"key\": \"k\", \"x\": [1, 1.5, 1e300]}')",
            [nameless.pk],
        )
    return program


@contextmanager
def emptied():
    """An office as after `migrate`: what stands in it is gone without the rules that keep it."""
    tables = [*reversed(WHOLE_TABLES), "evidence_trail"]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("UPDATE builders SET current_task_id = NULL, state = 'idle'")
        cursor.execute("SET LOCAL session_replication_role = origin")
    yield


def test_an_office_made_by_hand_comes_back_row_for_row(by_hand):
    text, before = exported(by_hand), office()
    with emptied():
        assert not Program.objects.exists()
        assert_comes_back(text, before)


def test_an_office_that_lived_on_after_its_import_comes_back_row_for_row():
    program = load(plans.SAMPLE.read_text())
    task = Task.objects.filter(state="planned", assigned_builder="ui-builder").first()
    builder = Builder.objects.get(pk="ui-builder")
    assign_task(task, builder, by=None, override="The sample's builders began without a red run.")
    HeartbeatFactory(builder=builder, task=task, progress_percentage=30, message="on it")
    TaskFactory(wave=task.wave, name="One more")
    for blocker in Blocker.objects.open():
        resolve_blocker(blocker, resolution_action="Done.", by=None)
    ArchitectureValidation.objects.filter(pass_rate="92.3").update(pass_rate="92.4")
    text, before = exported(program), office()
    with emptied():
        assert_comes_back(text, before)


def test_what_the_office_measured_stays_when_a_file_without_it_comes_again():
    program = load(plans.SAMPLE.read_text())
    task = Task.objects.filter(state="planned", assigned_builder="ui-builder").first()
    builder = Builder.objects.get(pk="ui-builder")
    assign_task(task, builder, by=None, override="The sample's builders began without a red run.")
    beat = HeartbeatFactory(builder=builder, task=task, progress_percentage=30)
    blocker = Blocker.objects.open().filter(entity_type="task").first()
    entity = Task.objects.get(pk=blocker.entity_id)
    raise_blocker(entity, classification=blocker.classification, description="Again.", by=None)
    assert "occurrences: 2" in exported(program)
    assert "worked_at: " in exported(program)
    load(plans.SAMPLE.read_text())
    task.refresh_from_db()
    blocker.refresh_from_db()
    assert (task.state, task.worked_at) == ("planned", beat.timestamp)
    assert (blocker.description != "Again.", blocker.occurrences) == (True, 2)


def test_a_file_that_plans_a_task_anew_takes_it_out_of_its_builders_hands():
    load(plans.SAMPLE.read_text())
    task = Task.objects.filter(state="planned", assigned_builder="ui-builder").first()
    builder = Builder.objects.get(pk="ui-builder")
    assign_task(task, builder, by=None, override="The sample's builders began without a red run.")
    builder.refresh_from_db()
    assert builder.current_task_id == task.pk
    load(plans.SAMPLE.read_text())
    task.refresh_from_db()
    builder.refresh_from_db()
    assert (task.state, builder.current_task_id, builder.state) == ("planned", None, "idle")


def test_a_word_of_the_file_is_exported_for_as_long_as_it_means_the_row():
    program = load(plans.SAMPLE.read_text())
    ready = exported(program).count("build_readiness: READY")
    ArchitectureValidation.objects.filter(pass_rate="91.7").update(pass_rate="91.8")
    assert exported(program).count("build_readiness: READY") == ready

    told = Evidence.objects.get(context__recorded__has_key="detected_at").context
    word = f"detected_at: {told['recorded']['detected_at']}\n"
    assert word in exported(program)
    Blocker.objects.filter(pk=told["record"]["id"]).update(
        detected_at=datetime(2020, 1, 1, 10, tzinfo=UTC)
    )
    assert word not in exported(program)
    assert exported(program).count("detected_at: 2020-01-01T10:00:00Z\n") == 1


def test_what_no_file_could_say_is_not_exported_as_something_else(by_hand):
    ArchitectureValidation.objects.update(validation_results=["loose"])
    with pytest.raises(plans.Unwritable, match="validation_results"):
        exported(by_hand)


def test_an_export_has_one_key_for_each_row_even_of_one_name(by_hand):
    document = yaml.load(exported(by_hand), Loader=yaml.CSafeLoader)
    keys = [task["key"] for wave in document["program"]["waves"] for task in wave.get("tasks", [])]
    assert len(keys) == len(set(keys)) == 3
    assert "task-wire-a-lamp" in keys
    assert document["program"]["key"] == "program-lamps"
    assert document["program"]["id"] == str(by_hand.pk)


def test_an_export_has_few_tasks_in_memory_at_a_time():
    wave = WaveFactory()
    text = "x" * 20_000
    Task.objects.bulk_create(
        TaskFactory.build(wave=wave, acceptance_criteria=text) for _ in range(600)
    )
    tracemalloc.start()
    try:
        with plans.export(wave.program) as file:
            size = file.seek(0, SEEK_END)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 20_000_000  # each is told as it is, and as it was made
    assert most < size / 3
