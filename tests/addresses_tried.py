"""What each address is about, for the tests that try all of them."""

from uuid import uuid4

from builders.actions import make_badge
from foreman_office.login_link import make_login_link
from governance.models import Evidence
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderTokenFactory,
    ChannelFactory,
    CITokenFactory,
    DeliveryFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    QuestionFactory,
    TaskFactory,
    TaskLinkFactory,
    TaskNoteFactory,
    UserFactory,
)


def arguments(name, pattern, user):
    """Make what an address is about, and return what stands in the address."""
    keys = pattern.pattern.converters.keys()
    task = TaskFactory(state="in-progress")
    found = {
        "channel": ChannelFactory().pk,
        "delivery": DeliveryFactory().pk,
        "notification": uuid4(),
        "saved": uuid4(),
        "programs:program": task.wave.program_id,
        "programs:wave": task.wave_id,
        "programs:task": task.pk,
        "builders:builder": "qa-builder",
        "builders:task": task.pk,
        "governance:plan": task.wave.program_id,
        "governance:blocker": None,
        "governance:violation": None,
    }
    if "token" in keys:
        return {"token": make_login_link(user or UserFactory()).split("/")[-2]}
    if name == "note_withdraw":
        return {"kind": "task", "pk": TaskNoteFactory(task=task).pk}
    if "kind" in keys:
        return {"kind": "task", "pk": task.pk}
    if "sequence" in keys:
        return {"sequence": Evidence.objects.within(task)[0].sequence}
    if "task_id" in keys:
        return {key: uuid4() for key in keys}
    if "agent" in keys:
        return {"agent": "claude-code"}
    if "key" in keys:
        return {"key": f"violation-task-{task.pk}-{GovernanceViolationFactory(task=task).pk}"}
    if "target" in keys:
        return {"target": "user-1"}
    if "pk" not in keys:
        return {}
    if name == "governance:quality_run":
        return {"pk": QAExecutionFactory(task=task).pk}
    if name == "governance:quality_validation":
        return {"pk": ArchitectureValidationFactory(task=task).pk}
    if name == "builders:badge_revoke":
        return {"pk": make_badge(task.wave.program, by=None)[0].pk}
    if name == "builders:ci_token_revoke":
        return {"pk": CITokenFactory().pk}
    if name == "programs:task_link_remove":
        return {"pk": TaskLinkFactory(task=task).pk}
    if name == "builders:question_answer":
        return {"pk": QuestionFactory(task=task).pk}
    if name == "builders:token_revoke":
        return {"pk": BuilderTokenFactory().pk}
    if name == "governance:blocker_resolve":
        return {"pk": BlockerFactory(entity=task).pk}
    if name == "governance:violation_resolve":
        return {"pk": GovernanceViolationFactory(task=task).pk}
    return {"pk": found["_".join(name.split("_")[:1])]}
