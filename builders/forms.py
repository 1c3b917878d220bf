"""What corrections of the builders look like, and what decisions about them ask."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms

from builders.models import Builder
from foreman_office.kit.admin import GovernedForm
from foreman_office.kit.decide import OverrideForm, ReasonForm
from foreman_office.kit.forms import ObjectField
from programs.models import BuilderName

PAUSES = [(10, "10 minutes"), (60, "1 hour"), (480, "8 hours"), (1440, "1 day"), (10080, "7 days")]


class BuilderForm(GovernedForm):
    governed = ("state", "current_task")

    provenance = ObjectField(
        required=False,
        help_text='What it runs on: {"model": "…", "escalation_rationale": "…"}, and more.',
    )


class AssignForm(OverrideForm):
    """Which builder a task goes to. `choices` say beside each name what it does now."""

    field_order = ["builder"]

    builder = forms.ChoiceField(choices=BuilderName.choices)

    def __init__(self, *args: Any, choices: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if choices:
            self.fields["builder"].choices = choices  # type: ignore[attr-defined]

    def clean_builder(self) -> Builder:
        return Builder.objects.get(pk=self.cleaned_data["builder"])


class PauseForm(ReasonForm):
    """For how long, and why, a builder need not be heard."""

    minutes = forms.TypedChoiceField(label="For how long", choices=PAUSES, coerce=int, initial=60)

    def clean_minutes(self) -> timedelta:
        return timedelta(minutes=self.cleaned_data["minutes"])
