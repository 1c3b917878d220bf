"""The forms of decisions."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.timezone import now

from builders.forms import SilenceThresholdField
from builders.models import MOST_OPTIONS, Builder
from foreman_office.dashboard.evidence.filters import MOMENT
from foreman_office.notifications.rules import names_of_deciders
from governance.models import Classification
from kit.web.decision_forms import OverrideForm, ReasonForm
from kit.web.forms import TextField
from programs.models import (
    LONGEST_ADDRESS,
    LONGEST_LABEL,
    LONGEST_NOTE,
    WANTED_ADDRESS,
    BuilderName,
    LinkKind,
    Organisation,
    Program,
    Task,
    Wave,
    leads_to_a_host,
)

WORSE = "worse"
SNOOZES = [
    *(("60", "in 1 hour"), ("240", "in 4 hours"), ("720", "in 12 hours"), ("1440", "in 1 day")),
    *(("4320", "in 3 days"), ("10080", "in 7 days"), (WORSE, "it gets worse")),
]
PAUSES = [(10, "10 minutes"), (60, "1 hour"), (480, "8 hours"), (1440, "1 day"), (10080, "7 days")]


class CompleteForm(OverrideForm):
    """The form for the location of a task's evidence, for a task without one."""

    field_order = ["evidence_location"]

    evidence_location = TextField(label="Evidence location", required=False)


class BuilderSelect(forms.Select):
    """A select in which some builders are disabled."""

    unable: frozenset[str] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value in self.unable:
            option["attrs"]["disabled"] = True
        return option


class AssignForm(OverrideForm):
    """The form for the builder to which a task is assigned.

    `choices` say beside each name what it does now, and "disabled" where it cannot take a task.
    """

    field_order = ["builder"]

    builder = forms.ChoiceField(choices=BuilderName.choices, widget=BuilderSelect)

    def __init__(
        self, *args: Any, choices: Iterable[tuple[str, str, str]] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if choices:
            field: Any = self.fields["builder"]
            field.choices = [(name, words) for name, words, _ in choices]
            field.widget.unable = frozenset(name for name, _, unable in choices if unable)

    def clean_builder(self) -> Builder:
        return Builder.objects.get(pk=self.cleaned_data["builder"])


class TokenForm(forms.Form):
    """The form for whose tasks a token is issued; `choices` are the organisations."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.all(),
        required=False,
        empty_label="The whole office",
        label="For",
        help_text="It sees and reports what is of this organisation, and stays with it.",
    )

    def __init__(self, *args: Any, choices: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if choices:
            field: Any = self.fields["organisation"]
            field.choices = [("", field.empty_label), *choices]


class AnswerForm(forms.Form):
    """The form of an answer to a question: one of its options, a text, or both.

    `choices` are the options; without any there is only the text.
    """

    option = forms.TypedChoiceField(
        label="Option",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", ""), *((str(number), "") for number in range(MOST_OPTIONS))],
        widget=forms.RadioSelect,
    )
    answer = TextField(
        label="Answer",
        required=False,
        max_length=10_000,
        widget=forms.Textarea({"rows": 3}),
        help_text="The builder gets it with its next heartbeat. Kept in the evidence.",
    )

    def __init__(self, *args: Any, choices: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["option"]
        if choices:
            field.choices = [*choices]
        elif not self.is_bound:
            del self.fields["option"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("option") is None and not given.get("answer") and not self.errors:
            raise forms.ValidationError("Choose an option or enter an answer.", code="required")
        return given


class TaskLinkForm(forms.Form):
    kind = forms.ChoiceField(label="Kind", choices=LinkKind)
    url = TextField(
        label="Address",
        max_length=LONGEST_ADDRESS,
        widget=forms.URLInput(),
        error_messages={"required": "Enter an address."},
        help_text="http or https, without a user name.",
    )
    label = TextField(
        label="Label", max_length=LONGEST_LABEL, required=False, help_text="Instead of the address."
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if not leads_to_a_host(url.strip()):
            raise forms.ValidationError(WANTED_ADDRESS, code="invalid")
        return url


class TaskNoteForm(forms.Form):
    text = TextField(
        label="Note",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea({"rows": 4}),
        error_messages={"required": "Enter a note."},
        help_text="In Markdown: emphasis, code, lists, quotations, links. The builder reads it with"
        " its task. It cannot be edited.",
    )


class NoteTextForm(TaskNoteForm):
    """The form of a note on anything but a task, which no builder reads."""

    text = TextField(
        label="Note",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea({"rows": 4}),
        error_messages={"required": "Enter a note."},
        help_text="In Markdown: emphasis, code, lists, quotations, links. It cannot be edited.",
    )


class BudgetForm(ReasonForm):
    """The form of a budget: how much, and why. Without an amount there is no budget."""

    field_order = ["amount", "is_gate"]

    amount = forms.DecimalField(
        label="US dollars",
        required=False,
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        help_text="A month. Empty: no budget.",
    )


class ProgramBudgetForm(BudgetForm):
    is_gate = forms.BooleanField(
        label="Once it is spent, no task of the program can be assigned", required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"].help_text = "In all. Empty: no budget."


class PauseForm(ReasonForm):
    """The form for a pause: for how long, and why, a builder need not send heartbeats."""

    minutes = forms.TypedChoiceField(label="Duration", choices=PAUSES, coerce=int, initial=60)

    def clean_minutes(self) -> timedelta:
        return timedelta(minutes=self.cleaned_data["minutes"])


class SnoozeForm(forms.Form):
    """The form for how long a decision is put off. Whatever is chosen, it comes back if worse."""

    minutes = forms.ChoiceField(label="Until", choices=SNOOZES, initial="60")
    until = forms.DateTimeField(
        label="Or until this time",
        required=False,
        widget=MOMENT,
        help_text="It comes back at once if it gets worse: if it holds up more than now.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        minutes = given.get("minutes", WORSE)
        if "until" in given and given["until"] is None and minutes != WORSE:
            given["until"] = now() + timedelta(minutes=int(minutes))
        if given.get("until") and given["until"] <= now():
            self.add_error("until", forms.ValidationError("Enter a time to come.", code="past"))
        return given


class AssignDecisionForm(forms.Form):
    """The form for whom a decision is assigned to: `choices`, or all who can decide."""

    person = forms.ChoiceField(label="Person", required=False)

    def __init__(self, *args: Any, choices: Iterable[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["person"]
        names = names_of_deciders()
        field.choices = [*choices] or [("", ""), *((name, name) for name in names)]


class ThresholdForm(forms.Form):
    """The form for how long a builder with a task may be unheard; empty for the setting."""

    seconds = SilenceThresholdField()


class ResolutionForm(forms.Form):
    resolution = TextField(
        label="Resolution",
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": "Enter how it was resolved."},
        help_text="Kept in the evidence.",
    )


class NoteForm(forms.Form):
    note = TextField(
        label="What has to change",
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "Enter what has to change."},
        help_text="Shown with the plan, which stays planned. Kept in the evidence.",
    )


class BlockerRaiseForm(forms.Form):
    classification = forms.ChoiceField(label="Classification", choices=Classification)
    description = TextField(
        label="Description",
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "Enter a description."},
        help_text="It stays blocked until someone resolves the blocker.",
    )


class ViolationForm(forms.Form):
    violation_type = TextField(
        label="Rule",
        error_messages={"required": "Enter the rule that was violated."},
        help_text="A short name, such as “test debt” or “protected path”.",
    )
    description = TextField(
        label="Description",
        widget=forms.Textarea({"rows": 3}),
        error_messages={"required": "Enter a description."},
        help_text="The violation halts the task unless it is completed.",
    )
    builder = forms.ChoiceField(
        label="Builder", choices=[("", "unknown"), *BuilderName.choices], required=False
    )

    def clean_builder(self) -> Builder | None:
        return Builder.objects.filter(pk=self.cleaned_data["builder"]).first()


def again_in_words(entity: Program | Wave | Task) -> str:
    """Return that an entity is in the state again that it had before it was blocked."""
    return f"“{entity}” is {entity.get_state_display().lower()} again."
