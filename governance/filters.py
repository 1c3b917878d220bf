"""What lists of the judgement can be asked for; each field is named one by one."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django_filters import CharFilter, ChoiceFilter, FilterSet, ModelChoiceFilter

from foreman_office.kit.search import matching
from governance.models import BlockedEntity, Blocker, Classification, GovernanceViolation
from programs.models import BuilderName, Program, Task, Wave

SEARCH = forms.TextInput({"type": "search", "placeholder": " ", "autocomplete": "off"})


def programs(request: Any) -> QuerySet[Program]:
    return Program.objects.only("name").order_by("name")


class TroubleFilter(FilterSet):
    """What blockers and violations have in common: they are open or resolved, somewhere."""

    q = CharFilter(label="Text or name", method="with_words", widget=SEARCH)
    state = ChoiceFilter(
        label="State",
        method="in_state",
        empty_label=None,
        choices=[("open", "Open"), ("resolved", "Resolved"), ("all", "Open and resolved")],
    )
    program = ModelChoiceFilter(
        label="Program", queryset=programs, method="inside", empty_label="any"
    )

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

    def inside(self, rows: QuerySet[Any], name: str, program: Program) -> QuerySet[Any]:
        return rows.filter(task__wave__program=program)

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        return rows.filter(
            Q(violation_type__icontains=words)
            | Q(description__icontains=words)
            | Q(resolution__icontains=words)
            | Q(task__in=Task.objects.filter(matching(words)))
        )
