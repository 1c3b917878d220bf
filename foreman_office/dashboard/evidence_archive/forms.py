"""The form in which a foreman chooses what an archive has."""

import re
from typing import Any

from django import forms

from foreman_office.dashboard.filters import as_key, programs_to_choose
from programs.models import Program


class ArchiveForm(forms.Form):
    program = forms.ModelChoiceField(Program.objects.none(), empty_label="choose one")
    witnessed = forms.CharField(
        label="Checkpoints that the reader has",
        required=False,
        max_length=1_000,
        help_text="Optional. The number of records of each, which is its second line, such as 4711:"
        " the archive will go on from these. Without it the reader can compare with those that"
        " sealed a row of the program, and the last of each day.",
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        asked = (data or self.initial).get("program")
        self.fields["program"].queryset = programs_to_choose(as_key(asked))  # type: ignore[attr-defined]

    def clean_witnessed(self) -> Any:
        words = re.split(r"[\s,;]+", self.cleaned_data["witnessed"].strip())
        if not all(re.fullmatch(r"[0-9]{0,18}", word) for word in words):
            raise forms.ValidationError("Write numbers, with spaces between them.", "not_a_number")
        return {int(word) for word in words if word}
