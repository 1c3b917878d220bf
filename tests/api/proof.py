"""A builder that reports runs of its task and claims it, for the tests of proof."""

from xml.sax.saxutils import quoteattr

from builders.actions import assign_task, release_task
from governance.actions import record_validation
from programs.actions import fail, send_back_task
from programs.models import Task
from tests.api.caller import Caller, unmet

EVIDENCE = {"evidence_location": "evidence/lamp.md"}


def case(name, inner="", classname="lamp.test_hold"):
    named = f"classname={quoteattr(classname)} name={quoteattr(name)}"
    return f"<testcase {named}>{inner}</testcase>"


def suite(*cases, name="s", **attributes):
    told = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<testsuite name={quoteattr(name)}{told}>{''.join(cases)}</testsuite>"


FAILS, ERRS = '<failure message="no"/>', '<error message="no"/>'
RED = suite(case("test_a", FAILS), case("test_b", FAILS))
GREEN = suite(case("test_a"), case("test_b"))


class Work:
    """A builder with an assigned task, and what it sends."""

    def __init__(self, task, builder):
        self.task, self.builder, self.caller = task, builder, Caller(builder)
        record_validation(task, validation_results={"interfaces": {"named": True}}, by=None)

    def give(self):
        assign_task(Task.objects.get(pk=self.task.pk), self.builder, by=None)

    def begin(self, red, progress=10, **more):
        """Report a red run, assign the task again after the run `red`, and begin the work."""
        self.caller.post("qa-runs", self.task, {"passing": 0, "failing": 1})
        self.take_again(red)
        self.caller.beat(self.task, progress_percentage=progress, **more)

    def take_again(self, *reports):
        """Report runs, unassign the task and assign it again."""
        for report in reports:
            self.sent(report)
        task = Task.objects.get(pk=self.task.pk)
        if task.state == Task.State.ASSIGNED:
            release_task(task, by=None)
        else:
            fail(task, reason="Another attempt.", by=None)
            send_back_task(task, reason="Another attempt.", by=None)
        self.give()

    def send(self, report, query=""):
        body = report if isinstance(report, dict) else report.encode()
        media = "application/json" if isinstance(report, dict) else "application/xml"
        return self.caller.post(f"qa-runs{query}", self.task, body, content_type=media)

    def sent(self, report, query=""):
        answer = self.send(report, query)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def claim(self):
        return self.caller.post("claim", self.task, EVIDENCE)

    def is_completed(self):
        return Task.objects.get(pk=self.task.pk).state == Task.State.COMPLETED


def accepted(work):
    answer = work.claim()
    return (answer.status_code, unmet(answer), work.is_completed())


ACCEPTED = (200, set(), True)


def refused(*rules):
    return (409, set(rules), False)


def detail(work, rule):
    """Return the sentence of a claim about a condition."""
    return next(
        each["detail"] for each in work.claim().json()["conditions"] if each["rule"] == rule
    )
