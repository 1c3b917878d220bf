"""The Python API against a real office."""

import foreman
import pytest

from builders.actions import assign_task
from builders.models import Builder, Heartbeat
from governance.models import Blocker, QAExecution
from tests.races import until

pytestmark = pytest.mark.slow

GREEN = "<testsuite>{}</testsuite>".format(
    "".join(f'<testcase name="t{number}"/>' for number in range(5))
)


def test_a_task_is_worked_on_with_heartbeats_a_report_and_a_claim(known, held, tmp_path):
    (tmp_path / "report.xml").write_text(GREEN)
    with foreman.task(every=0.05) as task:
        assert (task.id, task.name) == (str(held.pk), "Wire the lamp")
        assert "Build to Green" in task.instruction
        task.progress(40, "Half of it")
        until(lambda: Heartbeat.objects.filter(message="Half of it").count() >= 3)
        task.progress(100)
        with pytest.raises(foreman.Refused) as refused:
            task.claim()
        assert "suite_green" in {each["rule"] for each in refused.value.unmet}
        assert task.report("report.xml", exit_code=0).answer["qa_status"] == "GREEN"
        assert task.claim("evidence/lamp.md")["accepted"]
    held.refresh_from_db()
    assert held.state == "completed"
    assert QAExecution.objects.filter(task=held, qa_status="GREEN").count() == 1


def test_an_exception_is_told_to_the_office_and_goes_on(known, held):
    with pytest.raises(ZeroDivisionError), foreman.task() as task:
        task.progress(1 // 0)
    assert "Stopped by ZeroDivisionError" in Heartbeat.objects.latest("timestamp").message


def test_what_blocks_is_escalated(known, held):
    with foreman.task() as task:
        task.escalate("protected_path", "It may not be changed", ["asked"])
    assert Blocker.objects.get().entity_id == held.pk


def test_a_builder_without_a_task_is_told_so_or_waits(known, ready):
    with pytest.raises(foreman.NoTask):
        foreman.task()
    assign_task(ready, Builder.objects.get(pk="ui-builder"), by=None)
    assert foreman.task(wait=60).id == str(ready.pk)


def test_work_goes_on_with_the_task_known_last_while_the_office_is_away(
    office, monkeypatch, tmp_path
):
    monkeypatch.setenv("FOREMAN_URL", office.url)
    monkeypatch.setenv("FOREMAN_TOKEN", "fo_token")
    first = foreman.task().id
    office.close()
    (tmp_path / "report.xml").write_text(GREEN)
    from foreman.builder import Builder as Client

    told = []
    client = Client.of_this_machine(tell=told.append, patience=0)
    with foreman.task(builder=client) as task:
        assert task.id == first
        assert task.report("report.xml").kept
    assert office.books.executed == []
    office.open()
    with foreman.task(builder=client) as task:
        until(lambda: any("1 report kept since" in words for words in told))
    assert len(office.books.executed) == len({*office.books.executed})
