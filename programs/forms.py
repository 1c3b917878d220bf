"""What corrections of the plan look like, and what decisions about it ask."""

from typing import Any, cast

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple

from foreman_office.kit.admin import GovernedForm
from foreman_office.kit.decide import OverrideForm
from foreman_office.kit.forms import LinesField, TextField
from programs.models import Wave


class ProgramForm(GovernedForm):
    governed = ("state",)

    objectives = LinesField(required=False, help_text="One objective on each line.")


class WaveForm(GovernedForm):
    governed = ("state",)

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

    class Meta:
        labels = {"qa_suite_location": "QA suite location"}


class CompleteForm(OverrideForm):
    """Where the proof is, for a task that does not say so yet."""

    field_order = ["evidence_location"]

    evidence_location = TextField(label="Where the evidence is", required=False)
