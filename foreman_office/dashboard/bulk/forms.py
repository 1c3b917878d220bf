"""The forms of acts on many rows. Each is made for the rows that were chosen."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms

from builders.models import Builder
from foreman_office.dashboard.builders.queries import with_verdict
from foreman_office.dashboard.forms import ResolutionForm
from foreman_office.dashboard.planning.forms import DueDateField
from kit.web.decision_forms import ReasonForm
from programs.models import BuilderName, State, Task, Wave

PLANNED, NOBODY = "planned", ""


class ChosenForm(forms.Form):
    """A form about some rows, which its choices may depend on."""

    def __init__(self, rows: Sequence[Any], data: Any = None) -> None:
        super().__init__(data)
        self.rows = rows

    @property
    def given(self) -> dict[str, Any]:
        return self.cleaned_data


class ChosenReasonForm(ChosenForm, ReasonForm):
    pass


class ChosenResolutionForm(ChosenForm, ResolutionForm):
    pass


class AssignChosenForm(ChosenForm):
    """Whom tasks are assigned to: each to its planned builder, or all to one."""

    builder = forms.ChoiceField(
        label="Builder",
        help_text="A builder has one task at a time: of several tasks for one it gets the first.",
    )

    def __init__(self, rows: Sequence[Any], data: Any = None) -> None:
        super().__init__(rows, data)
        now = {row.pk: str(row.verdict).replace("-", " ") for row in with_verdict()}
        field = cast(forms.ChoiceField, self.fields["builder"])
        field.choices = [(PLANNED, "each to its planned builder")] + [
            (name, f"{label} ({now.get(name, 'unknown')})") for name, label in BuilderName.choices
        ]

    def clean_builder(self) -> Builder | None:
        name = self.cleaned_data["builder"]
        return None if name == PLANNED else Builder.objects.get(pk=name)


class PlanBuilderForm(ChosenForm):
    planned_builder = forms.TypedChoiceField(
        label="Planned builder",
        choices=[(NOBODY, "none (manual task)"), *BuilderName.choices],
        required=False,
        empty_value=None,
    )


class MoveForm(ChosenForm):
    """The wave that tasks are moved to, of the program that they are in."""

    wave = forms.ModelChoiceField(
        label="Wave",
        queryset=Wave.objects.none(),
        empty_label="choose one",
        help_text="A wave of the same program that is not completed.",
    )

    def __init__(self, rows: Sequence[Task], data: Any = None) -> None:
        super().__init__(rows, data)
        programs = {task.wave.program_id for task in rows}
        waves = Wave.objects.filter(program__in=programs).exclude(state=State.COMPLETED)
        field = cast(forms.ModelChoiceField, self.fields["wave"])
        field.queryset = waves.select_related("program").order_by(
            "program__name", "sequence_number"
        )
        field.label_from_instance = placed  # type: ignore[method-assign]


def placed(wave: Wave) -> str:
    return f"{wave.program}: {wave.sequence_number} {wave}"


class DueForm(ChosenForm):
    due_on = DueDateField()

    def __init__(self, rows: Sequence[Any], data: Any = None) -> None:
        super().__init__(rows, data)
        self.fields["due_on"].help_text += " Empty: no due date."
