"""Plan files as Hypothesis makes them, full of words that YAML reads as something else."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import strategies as st

from builders.models import Backend, HeartbeatStatus
from governance.models import Classification
from programs.models import BuilderName, State, TaskState

ORGANISATION = "0a0a0a0a-0000-4000-8000-000000000001"  # of an organisation of the office

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
days = st.dates(date(1970, 1, 1))
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


def put_in_order(record, began, ended):
    """Move each end behind its beginning: a file that says otherwise is refused."""

    def moment(said):
        return said if isinstance(said, datetime) else datetime(*said.timetuple()[:3], tzinfo=UTC)

    if began in record and ended in record:
        record[began], record[ended] = sorted((record[began], record[ended]), key=moment)


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
                "due_on": days,
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
    for number in draw(st.lists(st.integers(0, 10**9), max_size=3, unique=True)):
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
                    "due_on": days,
                    **made,
                    **remarks,
                },
            )
        )
        wave["tasks"] = some(task)
        waves.append(wave)
        tasks += wave["tasks"]
    for each in tasks:
        put_in_order(each, "started_at", "completed_at")
        each["validations"] = some(validations)
        each["qa_runs"] = some(qa_runs)
        each["violations"] = some(violations)
        each["heartbeats"] = some(heartbeats)
        for violation in each["violations"]:
            put_in_order(violation, "detected_at", "resolved_at")
    program = draw(
        st.fixed_dictionaries(
            {"key": st.just(key()), "name": names},
            optional={
                "description": texts,
                "objectives": st.lists(texts, max_size=3),
                "allows_pull": st.booleans(),
                "due_on": days,
                "state": states,
                "evidence_location": texts,
                "created_by": st.uuids().map(str),
                "organisation_id": st.just(ORGANISATION),
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
    for each in blockers:
        put_in_order(each, "detected_at", "resolved_at")
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
