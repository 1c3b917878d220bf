"""The filters of runs and validations; each field is named one by one."""

from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.forms import HiddenInput
from django.utils.timezone import now
from django_filters import CharFilter, ChoiceFilter, DateTimeFilter, FilterSet

from foreman_office.dashboard.filters import MOMENT, SEARCH, programs
from governance.models import (
    ArchitectureValidation,
    QAExecution,
    QAStatus,
    QATestResult,
    Readiness,
    SuiteTurn,
    TestOutcome,
)
from kit.web.listing import NamedRowField, NamedRowFilter
from kit.web.search import matching
from programs.models import BuilderName, Task


class QualityFilter(FilterSet):
    """The filters of the quality page: where, whose, and since when."""

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
        label="Period",
        method="lately",
        empty_label=None,
        choices=[(str(days), f"the last {days} days") for days in (7, 30, 90)],
    )

    class Meta:
        model = QAExecution
        fields: list[str] = []

    moment = "executed_at"

    def lately(self, rows: QuerySet[Any], name: str, days: str) -> QuerySet[Any]:
        return since_days(rows, self.moment, days)

    def alike(self, rows: QuerySet[Any], moment: str) -> QuerySet[Any]:
        """Return those of other rows about tasks that match the same filters, by their moment."""
        asked = self.form.cleaned_data
        for name in ("program", "builder"):
            if asked[name]:
                rows = rows.filter(**{self.filters[name].field_name: asked[name]})
        return since_days(rows, moment, asked["days"]) if asked["days"] else rows


def since_days(rows: QuerySet[Any], moment: str, days: str) -> QuerySet[Any]:
    return rows.filter(**{f"{moment}__gte": now() - timedelta(days=int(days))})


class RunFilter(QualityFilter):
    q = CharFilter(label="Suite or task", method="with_words", widget=SEARCH)
    status = ChoiceFilter(
        label="Status", field_name="qa_status", choices=QAStatus, empty_label="any"
    )
    debt = ChoiceFilter(
        label="Test debt", method="in_debt", choices=[("some", "some")], empty_label="any"
    )

    turned = ChoiceFilter(
        label="Change",
        method="at_a_turn",
        choices=[("lost", "suite green no more"), ("green", "suite became green")],
        empty_label="any",
    )
    since = DateTimeFilter(label="From", field_name="executed_at", lookup_expr="gte", widget=MOMENT)
    until = DateTimeFilter(label="To", field_name="executed_at", lookup_expr="lt", widget=MOMENT)

    class Meta(QualityFilter.Meta):
        pass

    def at_a_turn(self, rows: QuerySet[Any], name: str, turn: str) -> QuerySet[Any]:
        turns = SuiteTurn.objects.filter(execution=OuterRef("pk"), is_green=turn == "green")
        return rows.filter(Exists(turns))

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        tasks = Task.objects.filter(matching(words)).values("pk")
        return rows.filter(Q(qa_suite_location__icontains=words) | Q(task__in=tasks))

    def in_debt(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(test_debt_count__gt=0)


class ValidationFilter(QualityFilter):
    moment = "validated_at"
    q = CharFilter(label="Document or task", method="with_words", widget=SEARCH)
    readiness = ChoiceFilter(
        label="State", field_name="build_readiness", choices=Readiness, empty_label="any"
    )

    class Meta:
        model = ArchitectureValidation
        fields: list[str] = []

    def with_words(self, rows: QuerySet[Any], name: str, words: str) -> QuerySet[Any]:
        tasks = Task.objects.filter(matching(words)).values("pk")
        return rows.filter(Q(architecture_reference__icontains=words) | Q(task__in=tasks))


class OneResultField(NamedRowField):
    """One result, by the address of its row. It is not chosen from all of them."""

    widget = HiddenInput


class OneResultFilter(NamedRowFilter):
    field_class = OneResultField

    def filter(self, qs: QuerySet[Any], value: QATestResult | None) -> QuerySet[Any]:
        return qs.filter(pk=value.pk) if value else qs


class ResultFilter(FilterSet):
    test = OneResultFilter(label="Test", queryset=QATestResult.objects.all())
    q = CharFilter(label="Name", field_name="name", lookup_expr="icontains", widget=SEARCH)
    outcome = ChoiceFilter(label="Outcome", choices=TestOutcome, empty_label="any")
    flaky = ChoiceFilter(
        label="Flaky", method="are_flaky", choices=[("only", "flaky only")], empty_label="any"
    )

    class Meta:
        model = QATestResult
        fields: list[str] = []

    def are_flaky(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(flaky=True)
