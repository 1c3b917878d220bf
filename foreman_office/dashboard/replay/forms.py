"""Which span is replayed."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.timezone import now

from foreman_office.dashboard.evidence.filters import MOMENT
from kit.web.time_axis import TimeSpan

LONGEST = timedelta(days=7)
SHORTEST = timedelta(minutes=1)


class ReplayForm(forms.Form):
    """A span of the past; what the address leaves out is since somebody left, and up to now."""

    field_order = ["from", "to"]

    def __init__(self, data: Any, since: datetime) -> None:
        super().__init__(data)
        self.fields["from"] = forms.DateTimeField(label="From", required=False, widget=MOMENT)
        self.fields["to"] = forms.DateTimeField(label="To", required=False, widget=MOMENT)
        self.since, self.now = since, now()

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if self.errors:
            return given
        end = min(given["to"] or self.now, self.now)
        start = given["from"] or max(min(self.since, end - SHORTEST), end - LONGEST)
        if start >= end:
            raise forms.ValidationError("From must be before To, and in the past.")
        if end - start > LONGEST:
            raise forms.ValidationError(
                f"A replay spans at most {LONGEST.days} days. Choose a shorter span."
            )
        return {"span": TimeSpan(start, max(end, start + SHORTEST))}

    def filled_in(self) -> "ReplayForm":
        """Return the form with the span that is shown, which the address may have left out."""
        return ReplayForm({"from": self.span.start, "to": self.span.end}, self.since)

    @property
    def span(self) -> TimeSpan:
        return self.cleaned_data["span"]
