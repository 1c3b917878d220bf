"""The forms of corrections of the judgement."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect

from governance.models import ArchitectureValidation, Readiness, pass_rate_of
from kit.web.admin import GovernedForm
from kit.web.forms import ObjectField
from programs.models import Task, Wave

COUNTS = ("passing", "failing", "skipped")  # of tests, which add up


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
    """The pass rate follows from the checklist, and the readiness from the pass rate."""

    derived = ("pass_rate", "build_readiness")

    validation_results = ObjectField(
        required=False, initial=dict, help_text='{"section": {"item": true or false}}'
    )
    pass_rate = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text="In percent. It follows from the checklist: enter it only where there is none.",
    )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        told = {"validation_results", "pass_rate"} & {*self.changed_data}
        if self.errors or not (told or self.instance._state.adding):
            return cleaned
        given = self.cleaned_data.get("pass_rate")
        counted = pass_rate_of(self.cleaned_data.get("validation_results"))
        if counted is None and given is None:
            self.add_error(
                "pass_rate",
                forms.ValidationError("Enter a checklist or a pass rate.", code="required"),
            )
        elif (
            counted is not None
            and "pass_rate" in self.changed_data
            and given
            not in (
                None,
                counted,
            )
        ):
            words = f"The checklist gives {counted} %: change the checklist."
            self.add_error("pass_rate", forms.ValidationError(words, code="by_the_checklist"))
        else:
            rate = given if counted is None else counted
            self.cleaned_data["pass_rate"] = rate
            ready = rate == 100
            self.instance.build_readiness = Readiness.READY if ready else Readiness.NOT_READY
        return cleaned


class QAExecutionForm(GovernedForm):
    """The total follows from the counts, and the status from all of it."""

    derived = ("total_tests",)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        counts = [self.cleaned_data.get(f"{name}_tests") for name in COUNTS]
        self.instance.total_tests = sum(count for count in counts if count is not None)
        return cleaned
