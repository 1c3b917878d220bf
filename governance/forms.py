"""What corrections of the judgement look like, and what decisions about it ask."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect

from builders.models import Builder
from foreman_office.kit.admin import GovernedForm
from foreman_office.kit.forms import ObjectField, TextField
from governance.models import ArchitectureValidation, Classification
from programs.models import BuilderName, Task, Wave


def choice_of(like: Any) -> forms.ModelChoiceField:
    """Choose a row as a form would whose model had the foreign key `like`."""
    field = like.field
    return forms.ModelChoiceField(
        queryset=field.remote_field.model.objects.all(),
        required=False,
        help_text="What it blocks: a program, a wave or a task.",
        widget=AutocompleteSelect(field, admin.site),
    )


class BlockerForm(GovernedForm):
    """A blocker names its entity by type and id: here it is chosen among those that exist."""

    ENTITIES = ("program", "wave", "task")

    program = choice_of(Wave.program)
    wave = choice_of(Task.wave)
    task = choice_of(ArchitectureValidation.task)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.instance._state.adding:
            return cleaned
        chosen = [self.cleaned_data[name] for name in self.ENTITIES if self.cleaned_data.get(name)]
        if len(chosen) == 1:
            self.instance.entity_type = chosen[0]._meta.model_name
            self.instance.entity_id = chosen[0].pk
        elif not any(name in self.errors for name in self.ENTITIES):
            raise forms.ValidationError("Choose one program, wave or task.", code="one_entity")
        return cleaned


class ArchitectureValidationForm(GovernedForm):
    validation_results = ObjectField(
        required=False, help_text='{"section": {"item": true or false}}'
    )


class ResolutionForm(forms.Form):
    resolution = TextField(
        label="What was done about it",
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": "Say what was done about it."},
        help_text="Kept in the evidence.",
    )


class BlockerRaiseForm(forms.Form):
    classification = forms.ChoiceField(label="Class", choices=Classification)
    description = TextField(
        label="What holds it up",
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "Say what holds it up."},
        help_text="It is blocked until somebody says what was done about it.",
    )


class ViolationForm(forms.Form):
    violation_type = TextField(
        label="Which rule",
        error_messages={"required": "Say which rule was broken."},
        help_text="A few words: “test debt”, “protected path”.",
    )
    description = TextField(
        label="What happened",
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "Say what happened."},
        help_text="A task that is not completed is halted by it.",
    )
    builder = forms.ChoiceField(
        label="By whom", choices=[("", "not known"), *BuilderName.choices], required=False
    )

    def clean_builder(self) -> Builder | None:
        return Builder.objects.filter(pk=self.cleaned_data["builder"]).first()
