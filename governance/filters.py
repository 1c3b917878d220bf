"""What lists of the judgement can be asked for; each field is named one by one."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.timezone import now
from django_filters import (
    CharFilter,
    ChoiceFilter,
    DateTimeFilter,
    Filter,
    FilterSet,
)

from foreman_office.kit.acts import FOREMAN
from foreman_office.kit.listing import NamedRowFilter
from foreman_office.kit.search import matching
from governance.entities import find_entities
from governance.models import (
    ArchitectureValidation,
    BlockedEntity,
    Blocker,
    Classification,
    Evidence,
    EvidenceEntity,
    GovernanceViolation,
    LatestRun,
    QAExecution,
    QAStatus,
    QATestResult,
    Readiness,
    TestOutcome,
    within,
)
from governance.trail import in_words, known_actions
from programs.models import BuilderName, Program, Task, Wave

SEARCH = forms.TextInput({"type": "search", "placeholder": " ", "autocomplete": "off"})


def programs(request: Any) -> QuerySet[Program]:
    return Program.objects.order_by("name")


class TroubleFilter(FilterSet):
    """What blockers and violations have in common: they are open or resolved, somewhere."""

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


class QualityFilter(FilterSet):
    """What the quality of work is asked about: where, whose, and since when."""

    program = NamedRowFilter(
        label="Program", queryset=programs, field_name="task__wave__program", empty_label="any"
    )
    builder = ChoiceFilter(
        label="Builder",
        field_name="task__assigned_builder",
        choices=BuilderName,
        empty_label="any",
    )
    days = ChoiceFilter(
        label="Time",
        method="lately",
        empty_label=None,
        choices=[(str(days), f"the last {days} days") for days in (7, 30, 90)],
    )

    class Meta:
        model = QAExecution
        fields: list[str] = []

    moment = "executed_at"

    def lately(self, rows: QuerySet[Any], name: str, days: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.moment}__gte": now() - timedelta(days=int(days))})


class SuiteFilter(QualityFilter):
    """The same, asked of suites by their latest run."""

    class Meta(QualityFilter.Meta):
        model = LatestRun


class JudgedFilter(QualityFilter):
    """The same, asked of validations."""

    class Meta:
        model = ArchitectureValidation
        fields: list[str] = []

    moment = "validated_at"


class RunFilter(QualityFilter):
    q = CharFilter(label="Suite or task", method="with_words", widget=SEARCH)
    status = ChoiceFilter(
        label="Status", field_name="qa_status", choices=QAStatus, empty_label="any"
    )
    debt = ChoiceFilter(
        label="Test debt", method="in_debt", choices=[("some", "some")], empty_label="any"
    )

    class Meta(QualityFilter.Meta):
        pass

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        tasks = Task.objects.filter(matching(words)).values("pk")
        return rows.filter(Q(qa_suite_location__icontains=words) | Q(task__in=tasks))

    def in_debt(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(test_debt_count__gt=0)


class ValidationFilter(JudgedFilter):
    q = CharFilter(label="Document or task", method="with_words", widget=SEARCH)
    readiness = ChoiceFilter(
        label="State", field_name="build_readiness", choices=Readiness, empty_label="any"
    )

    class Meta(JudgedFilter.Meta):
        pass

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        tasks = Task.objects.filter(matching(words)).values("pk")
        return rows.filter(Q(architecture_reference__icontains=words) | Q(task__in=tasks))


class ResultFilter(FilterSet):
    q = CharFilter(label="Name", field_name="name", lookup_expr="icontains", widget=SEARCH)
    outcome = ChoiceFilter(label="Outcome", choices=TestOutcome, empty_label="any")
    flaky = ChoiceFilter(
        label="Flaky", method="are_flaky", choices=[("only", "alone")], empty_label="and all else"
    )

    class Meta:
        model = QATestResult
        fields: list[str] = []

    def are_flaky(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(flaky=True)


class EntityKey(NamedTuple):
    """What evidence is about, whether or not it is still there."""

    kind: str
    key: UUID
    entity: Any

    def __str__(self) -> str:
        return str(self.entity or f"a {self.kind} since deleted")


class EntityField(forms.CharField):
    """An entity in an address: "task:0a1b…"."""

    default_error_messages = {"invalid": "An entity is written as kind:id."}
    kinds = EvidenceEntity.values

    def clean(self, value: Any) -> EntityKey | None:
        if not (text := super().clean(value)):
            return None
        kind, _, key = text.partition(":")
        try:
            entity = kind, UUID(key)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid") from error
        if kind not in self.kinds:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid")
        return EntityKey(*entity, find_entities([entity]).get(entity))


class HolderField(EntityField):
    """An entity with others inside it, which has to be there to tell what is inside."""

    kinds = BlockedEntity.values

    def clean(self, value: Any) -> EntityKey | None:
        found = super().clean(value)
        if found and found.entity is None:
            raise forms.ValidationError("There is no such thing.", "unknown")
        return found


class EntityFilter(Filter):
    field_class = EntityField


class HolderFilter(Filter):
    field_class = HolderField


def people() -> list[tuple[str, str]]:
    names = get_user_model().objects.order_by("username").values_list("username", flat=True)
    return [(name, name) for name in names]


def actions() -> list[tuple[str, str]]:
    return [(action, in_words(action)) for action in known_actions()]


MOMENT = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class EvidenceFilter(FilterSet):
    """The times are those of the reader's zone, unless the address names another."""

    of = EntityFilter(label="About", method="about", widget=forms.HiddenInput)
    within = HolderFilter(label="Within", method="inside", widget=forms.HiddenInput)
    program = NamedRowFilter(
        label="Program", queryset=programs, method="of_program", empty_label="any"
    )
    kind = ChoiceFilter(
        label="About a", field_name="entity_type", choices=EvidenceEntity, empty_label="anything"
    )
    action = ChoiceFilter(label="What happened", choices=actions, empty_label="anything")
    actor = ChoiceFilter(
        label="Actor", choices=[(FOREMAN, FOREMAN), *BuilderName.choices], empty_label="anyone"
    )
    person = ChoiceFilter(label="Person", method="by_person", choices=people, empty_label="anyone")
    since = DateTimeFilter(label="From", field_name="timestamp", lookup_expr="gte", widget=MOMENT)
    until = DateTimeFilter(label="To", field_name="timestamp", lookup_expr="lt", widget=MOMENT)
    overrides = ChoiceFilter(
        label="Overrides", method="forced", choices=[("only", "alone")], empty_label="and all else"
    )
    imports = ChoiceFilter(
        label="Imports", method="as_written", choices=[("shown", "shown")], empty_label="left out"
    )

    class Meta:
        model = Evidence
        fields: list[str] = []

    def filter_queryset(self, queryset: Any) -> Any:
        rows = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["imports"] else rows.as_it_happened()

    def as_written(self, rows: Any, name: str, value: str) -> Any:
        return rows

    def forced(self, rows: Any, name: str, value: str) -> Any:
        return rows.forced()

    def by_person(self, rows: Any, name: str, username: str) -> Any:
        return rows.by_person(username)

    def about(self, rows: Any, name: str, entity: EntityKey) -> Any:
        return rows.filter(entity_type=entity.kind, entity_id=entity.key)

    def inside(self, rows: Any, name: str, holder: EntityKey) -> Any:
        return rows.filter(within(holder.entity))

    def of_program(self, rows: Any, name: str, program: Program) -> Any:
        return rows.filter(within(program))
