"""The forms of views."""

from typing import Any

from django import forms

from foreman_office.dashboard.saved_views.columns import COLUMNS, choices_of
from foreman_office.dashboard.saved_views.places import PLACES, query_of_view
from governance.models import LONGEST_NAME, LONGEST_QUERY
from kit.web.forms import TextField


class ViewForm(forms.Form):
    name = TextField(
        label="Name",
        max_length=LONGEST_NAME,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": "Enter a name."},
    )
    is_shared = forms.BooleanField(label="Shared with all who may read", required=False)
    is_default = forms.BooleanField(label="Opens with this list", required=False)


class NewViewForm(ViewForm):
    """The form of a list as it is shown now."""

    place = forms.ChoiceField(choices=[*PLACES.items()], widget=forms.HiddenInput)
    query = forms.CharField(max_length=LONGEST_QUERY, required=False, widget=forms.HiddenInput)

    def clean_query(self) -> Any:
        return query_of_view(self.cleaned_data["query"])


class ColumnsForm(forms.Form):
    """Which columns of a list are shown beside the first, and those that always are."""

    place = forms.ChoiceField(
        choices=[(place, PLACES[place]) for place in COLUMNS], widget=forms.HiddenInput
    )
    shown = forms.MultipleChoiceField(
        label="Columns", required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, place: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["shown"].choices = choices_of(place or self.data.get("place", ""))  # type: ignore[attr-defined]
