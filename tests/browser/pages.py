"""Every page that people read, for the tests and pictures that look at all of them.

The pages come from the role matrix, which must name each address: a new page is looked at from its
first day. What an address needs is found by its name.
"""

from django.urls import reverse

from foreman_office.dashboard.inbox.inbox_cards import list_decisions
from governance.models import (
    ArchitectureValidation,
    Delivery,
    Evidence,
    QAExecution,
    QATestResult,
)
from programs.models import BuilderName, Program
from tests.factories import DeliveryFactory
from tests.test_roles import EXPECTED, OURS, TO_LOGIN

NOBODY = "11111111-1111-4111-8111-111111111111"
NO_PAGES = {"live:stream", "governance:plan_export", "broken_now"}
# Pages whose templates and parts another page or the empty office shows as well.
MORE_OF_THE_SAME = {
    *("why-builder", "search-none", "tasks-none", "blockers-all", "violations-all"),
    *("evidence-none", "evidence-of-task", "quality-none"),
}

# A page of each kind: cards, a record, a list with filters, charts, a form, a history.
WITH_MOST_OF_ALL = {
    *("inbox", "task", "program", "blocker_list", "quality", "blocker_new", "evidence_list"),
    *("handover", "notifications"),
}


def pages(scene):
    """Return the address of each page by a name for its picture."""
    found = {
        name.rpartition(":")[2]: reverse(name, kwargs=arguments(name, OURS[name], scene))
        for name, answers in EXPECTED.items()
        if is_page(answers["GET"]) and name not in NO_PAGES
    }
    found |= {
        "why-builder": reverse("governance:why", args=["builder", "integration-builder"]),
        "search-found": f"{reverse('search')}?q=bui",
        "search-none": f"{reverse('search')}?q=nothing+of+the+kind",
        "tasks-none": f"{reverse('programs:task_list')}?q=nothing+of+the+kind",
        "blockers-all": f"{reverse('governance:blocker_list')}?state=all",
        "violations-all": f"{reverse('governance:violation_list')}?state=all",
        "blocker-found": f"{reverse('governance:blocker_new')}?q=the",
        "evidence-none": f"{reverse('governance:evidence_list')}?overrides=only&kind=program",
        "evidence-of-task": f"{reverse('governance:evidence_list')}?of=task:{scene['task'].pk}",
        "quality-none": f"{reverse('governance:quality')}?builder=schema-builder&days=7",
        "not-found": reverse("programs:task", args=[NOBODY]),
        "not-a-page": reverse("programs:program_approve", args=[scene["program"].pk]),
    }
    if result := QATestResult.objects.filter(outcome="failed").order_by("pk").last():
        found["test"] = f"{reverse('governance:quality_test')}?result={result.pk}"
    if sample := Program.objects.filter(name__startswith="Maturion").first():
        found["sample-program"] = sample.get_absolute_url()
    return found


def is_page(answers):
    return answers["foreman"] == {200} and answers["anonymous"] is TO_LOGIN


def arguments(name, pattern, scene):
    keys = {
        "program": scene["program"].pk,
        "wave": scene["wave"].pk,
        "builder": BuilderName.API,
        "quality": QAExecution.objects.latest("executed_at").pk,
        "delivery": (Delivery.objects.first() or DeliveryFactory()).pk,
    }
    kind = name.rpartition(":")[2].partition("_")[0]
    if name == "governance:quality_validation":
        keys[kind] = ArchitectureValidation.objects.latest("validated_at").pk
    values = {
        "kind": "task",
        "key": list_decisions()[0].key,
        "sequence": Evidence.objects.recent()[0].sequence,
        "pk": keys.get(kind, scene["task"].pk),
    }
    return {key: values[key] for key in pattern.pattern.converters}
