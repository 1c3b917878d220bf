"""The filters of the list of evidence; each field is named one by one."""

from typing import Any

from django import forms
from django_filters import ChoiceFilter, DateTimeFilter, FilterSet

from foreman_office.access.organisations import names_of_colleagues
from foreman_office.dashboard.evidence.sentences import action_words, known_actions
from foreman_office.dashboard.evidence.text_search import EvidenceTextFilter, with_text
from foreman_office.dashboard.filters import (
    MOMENT,
    EntityFilter,
    EntityKey,
    HolderFilter,
    programs,
)
from governance.models import Evidence, EvidenceEntity, within
from kit.core.acts import FOREMAN
from kit.web.listing import NamedRowFilter
from programs.models import BuilderName, Program


def people_in_evidence() -> list[tuple[str, str]]:
    return [(name, name) for name in names_of_colleagues()]


def actions() -> list[tuple[str, str]]:
    return [(action, action_words(action)) for action in known_actions()]


class EvidenceFilter(FilterSet):
    """The times are those of the reader's zone, unless the address names another."""

    q = EvidenceTextFilter()
    of = EntityFilter(label="About", method="about", widget=forms.HiddenInput)
    within = HolderFilter(label="Within", method="inside", widget=forms.HiddenInput)
    program = NamedRowFilter(
        label="Program", queryset=programs, method="of_program", empty_label="any"
    )
    kind = ChoiceFilter(
        label="Entity", field_name="entity_type", choices=EvidenceEntity, empty_label="anything"
    )
    action = ChoiceFilter(label="Action", choices=actions, empty_label="anything")
    actor = ChoiceFilter(
        label="Actor", choices=[(FOREMAN, FOREMAN), *BuilderName.choices], empty_label="anyone"
    )
    person = ChoiceFilter(
        label="Person", method="by_person", choices=people_in_evidence, empty_label="anyone"
    )
    since = DateTimeFilter(label="From", field_name="timestamp", lookup_expr="gte", widget=MOMENT)
    until = DateTimeFilter(label="To", field_name="timestamp", lookup_expr="lt", widget=MOMENT)
    overrides = ChoiceFilter(
        label="Overrides", method="forced", choices=[("only", "only")], empty_label="any"
    )
    imports = ChoiceFilter(
        label="Imports", method="as_written", choices=[("shown", "show")], empty_label="hide"
    )

    class Meta:
        model = Evidence
        fields: list[str] = []

    def filter_queryset(self, queryset: Any) -> Any:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        rows = rows if asked["imports"] else rows.as_it_happened()
        return with_text(rows, asked["q"], whole="export" in self.data)

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
