"""Claims that a task is completed: what they need, and what they end."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.models import CompletionClaim, Evidence
from programs.models import State, Task
from tests.api.caller import IN_REAL_TIME, TESTS, run_of, unmet

pytestmark = IN_REAL_TIME


def test_a_claim_is_refused_and_then_accepted_and_ends_wave_and_program(caller, held):
    caller.beat(held, progress_percentage=100)
    refused = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert refused.status_code == 409
    assert unmet(refused) == {"suite_green", "run_newer_than_work"}
    assert {error["rule"] for error in refused.json()["errors"]} == unmet(refused)
    held.refresh_from_db()
    assert (held.state, held.evidence_location) == ("in-progress", "evidence/panel.md")

    caller.post("qa-runs", held, run_of(TESTS))
    accepted = caller.post("claim", held, {})
    assert (accepted.status_code, unmet(accepted)) == (200, set())
    held.refresh_from_db()
    assert held.state == Task.State.COMPLETED
    assert held.wave.__class__.objects.get().state == State.COMPLETED
    assert held.wave.program.__class__.objects.get().state == State.COMPLETED
    assert caller.get() is None
    assert list(CompletionClaim.objects.order_by("claimed_at").values_list("accepted")) == [
        (False,),
        (True,),
    ]
    recorded = Evidence.objects.of(held).filter(action="claim_recorded", actor="ui-builder")
    assert recorded.count() == 2
    assert Evidence.objects.of(held).get(context__to="completed").actor == "ui-builder"


def test_a_claim_declares_once_who_acts_and_takes_one_savepoint(caller, held):
    caller.beat(held, progress_percentage=100)
    caller.post("qa-runs", held, run_of(TESTS))
    with CaptureQueriesContext(connection) as asked:
        answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"}, key="one")
    assert answer.status_code == 200
    statements = [query["sql"] for query in asked]
    assert sum("set_config('foreman.actor'" in statement for statement in statements) == 1
    assert sum(statement.startswith("SAVEPOINT") for statement in statements) == 1
    acts = Evidence.objects.filter(actor="ui-builder", context__to="completed")
    assert [row.entity_type for row in acts.order_by("sequence")] == ["task", "wave", "program"]


def test_a_claim_over_moved_goalposts_is_refused_and_names_them(caller, held):
    caller.beat(held)
    gone = {"passing": 1, "failing": 0, "tests": [{"name": TESTS[0], "outcome": "passed"}]}
    caller.post("qa-runs", held, gone)
    answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert (answer.status_code, unmet(answer)) == (409, {"goalposts_stand"})
    assert TESTS[1] in answer.json()["errors"][0]["message"]


def test_a_claim_on_work_that_never_began_is_refused_and_kept(caller, held):
    caller.post("qa-runs", held, run_of(TESTS))
    answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert (answer.status_code, unmet(answer)) == (409, {"programs_tasks_moves"})
    assert CompletionClaim.objects.get().accepted is False
    held.refresh_from_db()
    assert held.state == Task.State.ASSIGNED


def test_a_claim_on_a_blocked_task_is_refused_and_kept(caller, held):
    caller.beat(held)
    caller.post("qa-runs", held, run_of(TESTS))
    caller.post("escalation", held, {"classification": "protected_path", "description": "no"})
    answer = caller.post("claim", held, {"evidence_location": "evidence/panel.md"})
    assert (answer.status_code, unmet(answer)) == (409, {"no_open_blocker"})
