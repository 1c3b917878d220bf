"""What corrections and pauses of the builders look like."""

from datetime import datetime, timedelta

from django import forms
from django.utils.timezone import now

from foreman_office.kit.admin import GovernedForm
from foreman_office.kit.forms import ObjectField
from programs.models import BuilderName


class BuilderForm(GovernedForm):
    governed = ("state", "current_task")

    provenance = ObjectField(
        required=False,
        help_text='What it runs on: {"model": "…", "escalation_rationale": "…"}, and more.',
    )


class PauseForm(forms.Form):
    LENGTHS = {15: "15 minutes", 60: "an hour", 4 * 60: "four hours", 24 * 60: "a day"}

    builder = forms.ChoiceField(choices=BuilderName.choices)
    reason = forms.CharField(max_length=500)
    minutes = forms.TypedChoiceField(
        choices=list(LENGTHS.items()), coerce=int, initial=60, label="For"
    )

    @property
    def until(self) -> datetime:
        return now() + timedelta(minutes=self.cleaned_data["minutes"])
