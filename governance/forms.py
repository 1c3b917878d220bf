"""The forms of corrections of the judgement."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect

from governance.models import ArchitectureValidation
from kit.web.admin import GovernedForm
from kit.web.forms import ObjectField
from programs.models import Task, Wave


def choice_of(like: Any) -> forms.ModelChoiceField:
    """Return a field like that of a foreign key such as `like`."""
    field = like.field
    return forms.ModelChoiceField(
        queryset=field.remote_field.model.objects.all(),
        required=False,
        help_text="The program, wave or task that it blocks.",
        widget=AutocompleteSelect(field, admin.site),
    )


class BlockerForm(GovernedForm):
    """The form of a blocker; its entity, kept by type and id, is chosen among those that exist."""

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
