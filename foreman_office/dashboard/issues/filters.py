"""The filters of blockers and violations; each field is named one by one."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django_filters import CharFilter, ChoiceFilter, FilterSet

from foreman_office.dashboard.filters import SEARCH, EntityFilter, EntityKey, programs
from governance.models import BlockedEntity, Blocker, Classification, GovernanceViolation
from kit.web.listing import NamedRowFilter
from kit.web.search import matching
from programs.models import BuilderName, Program, Task, Wave


class TroubleFilter(FilterSet):
    """The filters that blockers and violations share: open or resolved, and where."""

    of = EntityFilter(label="About", method="about", widget=forms.HiddenInput)
    q = CharFilter(label="Text or name", method="with_words", widget=SEARCH)
    state = ChoiceFilter(
        label="State",
        method="in_state",
        empty_label=None,
        choices=[("open", "Open"), ("resolved", "Resolved"), ("all", "Open and resolved")],
    )
    program = NamedRowFilter(label="Program", queryset=programs, method="inside", empty_label="any")

    def in_state(self, rows: QuerySet[Any], name: str, state: str) -> QuerySet[Any]:
        return rows if state == "all" else rows.filter(resolved_at__isnull=state == "open")


class BlockerFilter(TroubleFilter):
    classification = ChoiceFilter(label="Class", choices=Classification, empty_label="any")
    kind = ChoiceFilter(
        label="What it blocks", field_name="entity_type", choices=BlockedEntity, empty_label="any"
    )

    class Meta:
        model = Blocker
        fields: list[str] = []

    def about(self, rows: QuerySet[Any], name: str, entity: EntityKey) -> QuerySet[Any]:
        return rows.filter(entity_type=entity.kind, entity_id=entity.key)

    def inside(self, rows: Any, name: str, program: Program) -> QuerySet[Any]:
        return rows.within(program)

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        said = Q(description__icontains=words) | Q(resolution_action__icontains=words)
        for model in (Program, Wave, Task):
            said |= Q(entity_id__in=model.objects.filter(matching(words)).values("pk"))
        return rows.filter(said)


class ViolationFilter(TroubleFilter):
    builder = ChoiceFilter(label="Builder", choices=BuilderName, empty_label="any")

    class Meta:
        model = GovernanceViolation
        fields: list[str] = []

    def about(self, rows: QuerySet[Any], name: str, entity: EntityKey) -> QuerySet[Any]:
        """Return violations about a task or a builder; of a wave or a program there are none."""
        match entity.kind:
            case "task":
                return rows.filter(task=entity.key)
            case "builder" if entity.entity:
                return rows.filter(builder=entity.entity.pk)
        return rows.none()

    def inside(self, rows: QuerySet[Any], name: str, program: Program) -> QuerySet[Any]:
        return rows.filter(task__wave__program=program)

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        return rows.filter(
            Q(violation_type__icontains=words)
            | Q(description__icontains=words)
            | Q(resolution__icontains=words)
            | Q(task__in=Task.objects.filter(matching(words)))
        )
