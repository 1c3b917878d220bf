"""The tag of the instruction for a task's builder."""

from typing import Any

from django import template

from foreman_office.api import instruction
from programs.models import Task

register = template.Library()


@register.inclusion_tag("components/instruction.html")
def instructed(task: Task) -> dict[str, Any]:
    """Show the instruction for a task's builder, as the API returns it."""
    suite = instruction.suite_of(task)
    return {
        "task": task,
        "words": instruction.prompt_text(task, suite),
        "suite": suite,
        "architecture": instruction.architecture_of(task),
        "more": max(0, suite.failing_tests - len(suite.failing)) if suite.failing else 0,
    }
