"""Tags of states and gates, each with what it follows from."""

from typing import Any

from django import template
from django.db.models import Model
from django.template.context import RequestContext
from django.utils.safestring import SafeString

from builders.models import Builder
from foreman_office.dashboard import available_actions
from foreman_office.dashboard.explain.problems import explanation_of_task as derivation_of_task
from foreman_office.dashboard.explain.problems import problems_of
from foreman_office.dashboard.explain.state import Explanation, came_completed, derive, overrides_of
from foreman_office.rules import Remedy
from governance.gates import Condition
from kit.core.roles import may_decide
from kit.web.addresses import address_of
from kit.web.decision_forms import ActionButton, shared
from kit.web.templatetags.states import LOOKS, status
from kit.web.templatetags.times import dated, day
from programs.models import Task

register = template.Library()

# What is not good news, and so leads to its derivation.
UNWELL = {look for look, (_, tone, _) in LOOKS.items() if tone in ("blocked", "failed")}


@register.simple_tag(name="why")
def why_url(entity: Model) -> str:
    """Return the address of the derivation of an entity's state."""
    return address_of("governance:why", entity.pk, entity._meta.model_name)


@register.simple_tag
def state(entity: Model, look: str = "", word: str = "") -> SafeString:
    """Show the state of an entity or record; one that is not good links to its explanation."""
    look = look or entity.state
    shown = status(look, word)
    if look not in UNWELL:
        return shown
    return SafeString(f'<a class="why" href="{why_url(entity)}">{shown}</a>')


@register.simple_tag
def due(entity: Any) -> SafeString | str:
    """Show when an entity is due, and that it is late; nothing where no date is set."""
    if not entity.due_on:
        return ""
    if entity.is_late:
        shown = status("late", f"Late, due {day(entity.due_on)}")
        return SafeString(f'<a class="why" href="{why_url(entity)}#due">{shown}</a>')
    return SafeString(f"due {dated(entity.due_on)}")


@register.simple_tag
def where(entity: Any, look: str = "") -> str:
    """Return where the mark of a state links to: the page, or the explanation of a bad state."""
    return why_url(entity) if (look or entity.state) in UNWELL else entity.get_absolute_url()


@register.simple_tag
def act_for(condition: Condition, acts: list[Remedy] | None) -> Remedy | None:
    """Return which of some acts meets a condition."""
    return next((act for act in acts or () if condition.rule in act.rules), None)


@register.inclusion_tag("components/gate.html", takes_context=True)
def gate(context: RequestContext, entity: Any) -> dict[str, Any]:
    """Show what an entity's next move asks, what may be decided, and what was forced before."""
    acting = decides = may_decide(context["request"])
    if isinstance(entity, Task):
        derivation = derivation_of_task(entity)
        decides = decides and not problems_of(entity)  # else the acts stand beside what is wrong
    else:
        derivation = derive(entity)
    return {
        "entity": entity,
        "kind": entity._meta.model_name,
        "acts": derivation.changes if acting else [],
        "derivation": derivation,
        "move": derivation.move,
        "overrides": overrides_of(entity),
        "came_completed": came_completed(entity),
        "offers": acts_on(entity, derivation) if decides else [],
        **shared(context),
    }


def acts_on(entity: Any, derivation: Explanation) -> list[ActionButton]:
    """Return what may be decided about an entity; what its gate allows is the main act."""
    offered = [
        *available_actions.offers_on(entity),
        *available_actions.offers_to_object(entity),
    ]
    return available_actions.emphasize(offered, derivation.move)


@register.inclusion_tag("components/problems.html", takes_context=True)
def problems(context: RequestContext, task: Task) -> dict[str, Any]:
    """Show the problems of a task, with what may be done about them."""
    decides, found = may_decide(context["request"]), problems_of(task)
    return {
        "task": task,
        "problems": found,
        "decides": decides,
        "acts": acts_on(task, derivation_of_task(task)) if found and decides else [],
        "topics": f"task:{task.pk} beat:{task.pk} wave program",
        **shared(context),
    }


@register.simple_tag
def derivation_of(builder: Builder) -> Explanation:
    return derive(builder)
