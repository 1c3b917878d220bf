"""What corrections of builders look like, and the fields that pages share with them."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from kit.web.admin import GovernedForm
from kit.web.forms import ObjectField


def least_threshold() -> int:
    return 2 * int(settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS)


class SilenceThresholdField(forms.IntegerField):
    """Seconds that a builder with a task may be unheard; empty for the setting."""

    def __init__(self, *, label: str = "Seconds", **options: Any) -> None:
        usual = settings.FOREMAN_SILENCE_THRESHOLD_SECONDS
        help_text = (
            f"At least {least_threshold()}, which is twice the interval of heartbeats. Empty:"
            f" {usual}, as for every builder."
        )
        super().__init__(
            label=label,
            required=False,
            max_value=7 * 24 * 3600,
            help_text=help_text,
            **options,
        )

    def validate(self, value: int | None) -> None:
        super().validate(value)
        if value is not None and value < least_threshold():
            raise ValidationError(
                f"Enter at least {least_threshold()} seconds: one late heartbeat is not silence."
            )


class BuilderForm(GovernedForm):
    governed = ("state", "current_task")

    provenance = ObjectField(
        required=False,
        help_text='The model it runs on: {"model": "…", "escalation_rationale": "…"}, and more.',
    )
    silence_threshold_seconds = SilenceThresholdField(label="Silence threshold in seconds")
