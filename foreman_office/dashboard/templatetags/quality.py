"""Tags that compare the QA runs and validations of a task."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foreman_office.dashboard.quality.addresses import address_of_test, row_address
from governance import quality
from governance.case_history import NOT_KEPT, PastOutcome
from governance.models import ArchitectureValidation, QATestResult
from programs.models import Task

register = template.Library()


LOOK_OF_OUTCOME = {
    "passed": "passed",
    "failed": "not-passed",
    "skipped": "planned",
    NOT_KEPT: "never-heard",
}
WORDS_OF_OUTCOME = {
    "passed": "Passed",
    "failed": "Failed",
    "skipped": "Skipped",
    NOT_KEPT: "Did not fail; no longer kept",
}


@register.simple_tag
def link_to_test(suite: str, name: str, result_id: int | None = None) -> SafeString:
    """Show the name of a test as a link to its page."""
    address = address_of_test(suite, name, result_id)
    link = '<a class="test" href="{1}"><code>{0}</code></a>' if address else "<code>{0}</code>"
    return format_html(link, name, address)


@register.simple_tag
def result_address(result: QATestResult | PastOutcome) -> str:
    """Return the address of a result's row in its run."""
    if isinstance(result, PastOutcome):
        return row_address(result.run_id, result.result_id)
    return row_address(result.execution_id, result.pk)


@register.filter
def outcome_look(outcome: str) -> str:
    """Return the state as which an outcome is shown."""
    return LOOK_OF_OUTCOME[outcome]


@register.filter
def outcome_word(outcome: str) -> str:
    return WORDS_OF_OUTCOME[outcome]


@register.inclusion_tag("components/proof.html")
def proof(task: Task) -> dict[str, Any]:
    """Show the certificate of a task: its red and green runs, and each moved goalpost."""
    certificate = quality.certificate(task)
    return {
        "task": task,
        "certificate": certificate,
        "moved": certificate.moved if certificate else quality.moved_goalposts(task),
    }


@register.inclusion_tag("components/comparison.html")
def run_comparison(task: Task) -> dict[str, Any]:
    """Show what the latest run of a task's suite changed, test by test."""
    run = quality.latest_run(task)
    compared = quality.compare(run) if run else None
    return {"task": task, "compared": compared}


@register.inclusion_tag("components/validations_compared.html", takes_context=True)
def validations_compared(
    context: RequestContext, validations: list[ArchitectureValidation]
) -> dict[str, Any]:
    """Compare two validations of a task: those that the address names, else the latest two."""
    asked = context["request"].GET
    by_id = {str(validation.pk): validation for validation in validations}
    after = by_id.get(asked.get("after", ""), validations[0])
    before = by_id.get(asked.get("before", ""), validations[1])
    return {
        "validations": validations,
        "before": before,
        "after": after,
        "changed": quality.compare_validations(before, after),
        "asked": before.pk != validations[1].pk or after.pk != validations[0].pk,
    }
