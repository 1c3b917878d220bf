"""Checklists of the architecture that a builder reports."""

import pytest

from governance.models import ArchitectureValidation, Evidence
from tests.api.caller import IN_REAL_TIME

pytestmark = IN_REAL_TIME


@pytest.mark.parametrize(
    ("items", "rate", "readiness"),
    [({"a": True, "b": True}, 100, "READY"), ({"a": True, "b": False}, 50, "NOT_READY")],
)
def test_a_checklist_is_kept_with_its_rate_and_who_checked(caller, held, items, rate, readiness):
    answer = caller.post("validations", held, {"validation_results": {"interfaces": items}})
    assert answer.status_code == 201
    assert (answer.json()["pass_rate"], answer.json()["build_readiness"]) == (rate, readiness)
    stored = ArchitectureValidation.objects.latest("validated_at")
    assert stored.validated_by == "ui-builder"
    assert Evidence.objects.of(held).filter(action="validation_recorded", actor="ui-builder")


NO_CHECKLISTS = [{}, {"a": {}}, {"a": {"b": 1}}, {"a\0": {"b": True}}]


def test_a_checklist_without_an_item_or_an_answer_is_refused(caller, held, subtests):
    for results in NO_CHECKLISTS:
        with subtests.test(results=results):
            answer = caller.post("validations", held, {"validation_results": results})
            assert answer.status_code == 422
