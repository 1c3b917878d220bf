"""Tags that compare the QA runs and validations of a task."""

from typing import Any

from django import template
from django.template.context import RequestContext

from governance import quality
from governance.models import ArchitectureValidation
from programs.models import Task

register = template.Library()


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
