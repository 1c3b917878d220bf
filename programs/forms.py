"""The forms of corrections of the plan."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple

from kit.web.admin import GovernedForm
from kit.web.forms import LinesField
from programs.models import Organisation, Wave


def offered_organisations() -> Iterator[tuple[Any, str]]:
    """Yield to whom a program can be given, as choices."""
    yield "", "the office itself"
    yield from Organisation.objects.values_list("pk", "name")


class ProgramForm(GovernedForm):
    governed = ("state",)
    explained = ("name", "description", "objectives", "evidence_location", "organisation_id")

    objectives = LinesField(required=False, help_text="One objective per line.")
    validation_checklist = LinesField(
        required=False, help_text="One item per line, with its section: “Interfaces: named”."
    )
    organisation_id = forms.TypedChoiceField(
        label="Organisation",
        choices=offered_organisations,
        coerce=lambda value: UUID(str(value)),
        empty_value=None,
        required=False,
        help_text="All that hangs on a program moves with it; who writes to the office waits.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.instance.organisation_id
        field = cast(forms.ChoiceField, self.fields.get("organisation_id"))
        if field and given and not Organisation.objects.filter(pk=given).exists():
            field.choices = [*offered_organisations(), (given, f"{given} (there is none)")]


class WaveForm(GovernedForm):
    governed = ("state",)
    explained = ("program", "name", "sequence_number", "dependencies")

    dependencies = forms.ModelMultipleChoiceField(
        queryset=Wave.objects.none(),
        required=False,
        widget=FilteredSelectMultiple("waves", is_stacked=False),
        help_text="The waves of the same program that must be completed before this one starts.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dependencies = cast(forms.ModelMultipleChoiceField, self.fields["dependencies"])
        if program := self.chosen_program():
            waves = Wave.objects.filter(program=program).order_by("sequence_number")
            if not self.instance._state.adding:
                waves = waves.exclude(pk=self.instance.pk)
            dependencies.queryset = waves

    def chosen_program(self) -> Any:
        """Return the program that the form names, or the wave's own."""
        if "program" not in self.fields:
            return self.instance.program_id
        try:
            return self.fields["program"].clean(self["program"].value())
        except forms.ValidationError:
            return None

    def clean_dependencies(self) -> list[str]:
        return [str(wave.pk) for wave in self.cleaned_data["dependencies"]]


class TaskForm(GovernedForm):
    governed = ("state", "assigned_builder", "progress_percentage")
    explained = (
        *("wave", "name", "acceptance_criteria", "architecture_reference", "qa_suite_location"),
        *("evidence_location", "started_at", "completed_at"),
    )

    class Meta:
        labels = {"qa_suite_location": "QA suite location"}
