"""The form of a new token for a CI system or a foreman's script."""

from typing import Any
from uuid import UUID

from django import forms

from foreman_office.dashboard.forms import TokenForm
from kit.web.forms import TextField
from programs.models import Program

DAYS = [
    *(("", "no end"), (1, "1 day"), (7, "7 days")),
    *((30, "30 days"), (90, "90 days"), (365, "1 year")),
]


class CITokenForm(forms.Form):
    name = TextField(
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="Stands in the evidence of whatever is reported with it.",
    )
    programs = forms.ModelMultipleChoiceField(
        queryset=Program.objects.unarchived().order_by("name"),
        required=False,
        help_text="The programs that it is for; if none is chosen, all.",
    )
    days = forms.TypedChoiceField(
        label="Ends after", choices=DAYS, required=False, coerce=int, empty_value=None
    )

    def clean_programs(self) -> list[UUID] | None:
        """Return the chosen programs' ids, or None for all programs."""
        chosen: Any = self.cleaned_data["programs"]
        return [program.pk for program in chosen] or None


class CITokenOfOrganisationForm(CITokenForm, TokenForm):
    """The same, where there are organisations."""

    field_order = ["name", "organisation", "programs", "days"]

    def clean(self) -> dict[str, Any]:
        """Refuse programs that are not of the chosen organisation: the token would not see them."""
        cleaned = super().clean() or self.cleaned_data
        organisation, chosen = cleaned.get("organisation"), cleaned.get("programs")
        if organisation and chosen:
            foreign = Program.objects.filter(pk__in=chosen).exclude(organisation_id=organisation.pk)
            if names := ", ".join(foreign.order_by("name").values_list("name", flat=True)):
                self.add_error("programs", f"Not of {organisation}: {names}.")
        return cleaned
