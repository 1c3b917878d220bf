"""The form of a rule: who is told of what, by which channel, how soon and how often."""

from typing import Any, cast

from django import forms
from django.utils.timezone import get_current_timezone_name

from foreman_office.dashboard.filters import programs_to_choose
from foreman_office.dashboard.inbox.pending_decisions import KINDS
from foreman_office.notifications.rules import people_with_address
from governance.models import Channel, NotificationRule
from kit.runtime.database.members import as_office
from programs.models import Program

DELAYS = [
    *((0, "at once"), (60, "after 1 minute"), (120, "after 2 minutes"), (300, "after 5 minutes")),
    *((900, "after 15 minutes"), (3600, "after 1 hour")),
]
PAUSES = [
    ("", "never"),
    *((15, "15 minutes"), (30, "30 minutes"), (60, "1 hour"), (240, "4 hours"), (1440, "1 day")),
]
CLOCK = forms.TimeInput({"type": "time"}, format="%H:%M")
OWN_ADDRESS, OFFICE = "own", "office"


def minutes(label: str, **more: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label, choices=PAUSES, coerce=int, required=False, empty_value=None, **more
    )


class RuleForm(forms.ModelForm):
    """A rule of a person, or of the office for who oversees people."""

    class Meta:
        model = NotificationRule
        fields = [
            *("channel", "band", "kinds", "program_ids", "delay_seconds", "repeat_minutes"),
            *("next_user", "next_minutes", "quiet_from", "quiet_until", "quiet_spares_broken"),
            *("digest_at", "is_on"),
        ]

    channel = forms.ModelChoiceField(
        label="By", queryset=Channel.objects.order_by("name"), required=False
    )
    band = forms.ChoiceField(label="Of", choices=NotificationRule.Band)
    kinds = forms.MultipleChoiceField(
        label="Only these kinds",
        choices=[(name, kind.one.capitalize()) for name, kind in KINDS.items()],
        required=False,
        help_text="If none is chosen, all.",
    )
    program_ids = forms.ModelMultipleChoiceField(
        label="Only these programs",
        queryset=Program.objects.none(),
        required=False,
        help_text="If none is chosen, all.",
    )
    delay_seconds = forms.TypedChoiceField(
        label="How soon",
        choices=DELAYS,
        coerce=int,
        help_text="What is over before then is not told.",
    )
    repeat_minutes = minutes("Repeat every", help_text="Until it is acknowledged or over.")
    next_user = forms.TypedChoiceField(label="Then tell", required=False, empty_value=None)
    next_minutes = minutes("If nobody has it after")
    quiet_from = forms.TimeField(label="Quiet from", widget=CLOCK, required=False)
    quiet_until = forms.TimeField(label="Quiet until", widget=CLOCK, required=False)
    quiet_spares_broken = forms.BooleanField(
        label="Tell what is broken in quiet hours too", required=False
    )
    digest_at = forms.TimeField(
        label="Daily digest at",
        widget=CLOCK,
        required=False,
        help_text="All that is pending then, in one message.",
    )
    is_on = forms.BooleanField(label="This rule is on", required=False)

    def __init__(self, data: Any = None, *, instance: NotificationRule, is_new: bool) -> None:
        super().__init__(data, instance=instance, label_suffix="")
        channel: Any = self.fields["channel"]
        address = instance.user.email if instance.user else ""
        channel.empty_label = f"e-mail to {address}" if address else "choose a channel"
        channel.required = not address
        channel.error_messages["required"] = "Choose a channel; your account has no e-mail address."
        people, then = people_with_address(), cast(Any, self.fields["next_user"])
        then.choices = [("", "nobody else"), *((key, str(each)) for key, each in people.items())]
        then.coerce = lambda key: people[int(key)]
        chosen: Any = self.fields["program_ids"]
        chosen.queryset = programs_to_choose(*instance.program_ids)
        if not is_new:
            self.initial["program_ids"] = instance.program_ids

    def _post_clean(self) -> None:
        """Check the rule as the office does: a member's role does not read who has an account."""
        with as_office():
            super()._post_clean()  # type: ignore[misc]

    def clean_program_ids(self) -> list[str]:
        chosen: Any = self.cleaned_data["program_ids"]
        return [str(program.pk) for program in chosen]

    @property
    def values(self) -> dict[str, Any]:
        """Return what the rule is to have; its times are those of the person's zone."""
        return {**self.cleaned_data, "zone": get_current_timezone_name()}
