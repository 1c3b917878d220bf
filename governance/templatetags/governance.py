"""What pages of any app show of the judgement: the trail, the blockers, gates, derivations."""

from collections.abc import Iterable
from html import escape
from typing import Any
from uuid import UUID

from django import template
from django.db.models import Model, QuerySet
from django.template.context import RequestContext
from django.utils.safestring import SafeString

from foreman_office.kit.addresses import address_of
from foreman_office.kit.roles import may_decide
from foreman_office.kit.templatetags.kit import LOOKS, exact, mark, path, span, status
from foreman_office.kit.templatetags.kit import offers as draw_offers
from governance import offers, quality
from governance.causes import causes_of, derivation_of
from governance.entities import name_entities
from governance.models import ArchitectureValidation, Blocker, Evidence
from governance.templatetags.judgement import evidence_about
from governance.trail import tell
from governance.why import derive, overrides_of
from programs.models import Task
from programs.tallies import Outline

register = template.Library()

# What is not good news, and so leads to its derivation.
UNWELL = {look for look, (_, tone, _) in LOOKS.items() if tone in ("blocked", "failed")}


@register.inclusion_tag("components/trail.html")
def trail(evidence: QuerySet[Evidence], about: UUID | None = None) -> dict[str, Any]:
    """Show evidence as sentences; `about` is the one entity that needs no naming."""
    return {"happenings": tell(evidence), "about": about}


@register.inclusion_tag("components/blockers.html", takes_context=True)
def blocker_rows(
    context: RequestContext, blockers: QuerySet[Blocker], about: UUID | None = None
) -> dict[str, Any]:
    """Show blockers, each with what it holds up, unless that is what the page is about."""
    rows = name_entities(blockers)
    if may_decide(context["request"]):
        for row in rows:
            row.offers = [] if row.resolved_at else [offers.offer_resolution(row)]
    return {"blockers": rows, "about": about, **shared(context)}


@register.simple_tag
def why(entity: Model) -> str:
    """Return the address of the derivation of an entity's state."""
    return address_of("governance:why", entity.pk, entity._meta.model_name)


@register.simple_tag
def state(entity: Model, look: str = "", word: str = "") -> SafeString:
    """Show the state of an entity, or of something recorded about it. Bad news says why."""
    look = look or entity.state
    shown = status(look, word)
    if look not in UNWELL:
        return shown
    return SafeString(f'<a class="why" href="{why(entity)}">{shown}</a>')


@register.simple_tag
def where(entity: Any, look: str = "") -> str:
    """Return where the mark of a state leads: to the page, and for bad news to why it is so."""
    return why(entity) if (look or entity.state) in UNWELL else entity.get_absolute_url()


@register.simple_tag
def wave_marks(waves: Iterable[Outline]) -> SafeString:
    """Show each wave as the mark of its state, and say how many of its tasks are done."""
    marks = []
    for wave in waves:
        words = escape(f"Wave {wave.sequence_number}, {wave}: {LOOKS[wave.state].word.lower()}")
        done = f"{wave.done} of {wave.total}"
        marks.append(
            f'<li><a href="{where(wave)}" title="{words}, {done}">{mark(wave.state)}'
            f'<span class="hidden-words">{words}</span></a></li>'
        )
    return SafeString(f'<ul class="marks">{"".join(marks)}</ul>')


@register.simple_tag
def wave_link(wave: Outline) -> SafeString:
    """Name a wave with its place and the mark of its state."""
    return SafeString(
        f'<a class="quiet-link" href="{where(wave)}">{mark(wave.state)}'
        f"<span>{wave.sequence_number} {escape(wave.name)}"
        f'<span class="hidden-words">, {LOOKS[wave.state].word.lower()}</span></span></a>'
    )


@register.inclusion_tag("components/gate.html", takes_context=True)
def gate(context: RequestContext, entity: Any) -> dict[str, Any]:
    """Show what an entity's next move asks, what may be decided, and what was forced before."""
    decides = may_decide(context["request"])
    if isinstance(entity, Task):
        derivation = derivation_of(entity)
        decides = decides and not causes_of(entity)  # else the acts stand beside what is wrong
    else:
        derivation = derive(entity)
    return {
        "entity": entity,
        "kind": entity._meta.model_name,
        "derivation": derivation,
        "move": derivation.move,
        "overrides": overrides_of(entity),
        "offers": [*offers.offers_on(entity), *offers.offers_to_object(entity)] if decides else [],
        **shared(context),
    }


@register.simple_tag(takes_context=True)
def offers_for(context: RequestContext, entity: Any) -> SafeString:
    """Show what may be decided about a builder, a violation or a blocker."""
    offered: list[Any] = []
    if may_decide(context["request"]):
        is_trouble = hasattr(entity, "resolved_at")
        offered = [offers.offer_resolution(entity)] if is_trouble else offers.offers_on(entity)
    return draw_offers(context, offered)


@register.simple_tag
def subject(entity: Model | None, kind: str) -> SafeString:
    """Name what something was recorded about, and where it is; `kind` is what it was."""
    if entity is None:
        return SafeString(f'<span class="absent">a {kind} since deleted</span>')
    url, name = entity.get_absolute_url(), escape(str(entity))  # type: ignore[attr-defined]
    return SafeString(f'<a class="name" href="{url}">{name}</a>{path(entity)}')


@register.simple_tag(takes_context=True)
def told(context: RequestContext, trouble: Any, done: str | None) -> SafeString:
    """Say what happened, what was done or may be, and where its evidence is."""
    kind, said = trouble.entity_type, f'<p class="lines">{escape(trouble.description)}</p>'
    if trouble.resolved_at:
        absent = '<span class="absent">What was done is not recorded.</span>'
        said += f'<p class="quiet lines">{escape(done) if done else absent}</p>'
    acts = "" if trouble.resolved_at else offers_for(context, trouble)
    of = f'<span class="hidden-words"> of {escape(str(trouble.entity or kind))}</span>'
    evidence = escape(evidence_about(kind, trouble.entity_id))
    return SafeString(
        f'{said}<div class="acts">{acts}<a class="quiet" href="{evidence}">Evidence{of}</a></div>'
    )


@register.simple_tag
def lasted(trouble: Any) -> SafeString:
    """Say how long it took to resolve, and when that was."""
    if not (ended := trouble.resolved_at):
        return SafeString('<span class="hidden-words">not yet</span>')
    return SafeString(
        f'<time datetime="{ended.isoformat()}" title="resolved {exact(ended)}">'
        f"{span(trouble.lasted)}</time>"
    )


@register.inclusion_tag("components/proof.html")
def proof(task: Task) -> dict[str, Any]:
    """Show what the runs of a task prove: red become green, and each goalpost that was moved."""
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


def shared(context: RequestContext) -> dict[str, Any]:
    """Hand on what a form in an included part needs of the page."""
    return {"request": context["request"], "csrf_token": context.get("csrf_token")}
