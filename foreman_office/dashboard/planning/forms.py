"""The forms of programs, waves and tasks: all their fields but their states."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from django import forms
from django.db.models import Max, Q, QuerySet

from kit.core.acts import Refused
from kit.web.forms import LinesField, TextField
from kit.web.shown import ShownForm
from programs.models import (
    MAX_ORDINAL,
    UNDER_WAY,
    Program,
    State,
    Task,
    TaskState,
    ValidatedBy,
    Wave,
)

LINE = forms.TextInput({"autocomplete": "off"})


class DueDateField(forms.DateField):
    """A day, chosen in the browser's own calendar and written as 2026-12-24."""

    def __init__(self) -> None:
        super().__init__(
            label="Due date",
            required=False,
            widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            input_formats=["%Y-%m-%d"],
            help_text="The last day on which it is in time, which ends at midnight UTC.",
        )


class FormProblem(NamedTuple):
    """What is wrong with a form: where, what, and by which rule."""

    label: str
    place: str  # the id of the field, if there is one
    message: str
    rule: str


class PlanForm(ShownForm):
    """The form of a row of the plan. An error is shown at its field, with the name of the rule."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            place = self[name].id_for_label or f"id_{name}"
            helped = f"{place}_helptext " if field.help_text else ""
            field.widget.attrs["aria-describedby"] = f"{helped}{self[name].auto_id}_error"

    @property
    def changes(self) -> dict[str, Any]:
        """Return the columns whose value in the form differs from the row's."""
        return {name: self.cleaned_data[name] for name in self.names() if name in self.changed_data}

    @property
    def reason(self) -> str:
        return str(self.cleaned_data.get("reason", ""))

    @property
    def problems(self) -> Iterator[FormProblem]:
        for name, errors in self.errors.as_data().items():
            bound = self[name] if name in self.fields else None
            for error in errors:
                yield FormProblem(
                    str(bound.label) if bound else "",
                    bound.auto_id if bound else "",
                    " ".join(error.messages),
                    error.code or "invalid",
                )

    def validate_constraints(self) -> None:
        """Validate each constraint on a field of the form, and show its error at that field."""
        for constraint in self.instance._meta.constraints:
            name = self.field_of(constraint.name)
            # What can be chosen, its field has checked.
            if name is None or isinstance(self.fields[name], forms.ChoiceField):
                continue
            try:
                constraint.validate(type(self.instance), self.instance, exclude={*self.errors})
            except forms.ValidationError as error:
                self.refuse(Refused(constraint.name, " ".join(error.messages)))

    def refuse(self, refused: Refused) -> None:
        """Add a refusal of the database as an error of the field that its rule's name contains."""
        error = forms.ValidationError(refused.message, code=refused.rule)
        self.add_error(self.field_of(refused.rule), error)

    def field_of(self, rule: str) -> str | None:
        return next((name for name in self.fields if name in rule), None)


class ProgramPlan(PlanForm):
    name = TextField(widget=LINE)
    description = TextField(
        widget=forms.Textarea({"rows": 4}),
        help_text="What it is and for whom, in a few sentences.",
    )
    objectives = LinesField(
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="One objective per line.",
    )
    evidence_location = TextField(
        label="Evidence location",
        required=False,
        empty_value=None,
        widget=LINE,
        help_text="A path or a URL, such as evidence/lamps/.",
    )
    validation_checklist = LinesField(
        label="Validation checklist",
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="What a validation of the architecture looks at: one item per line, with its"
        " section, such as “Interfaces: named”. Without any, the office's own list.",
    )

    validated_by = forms.ChoiceField(
        label="Who validates",
        required=False,
        choices=ValidatedBy,
        help_text="Who may validate the architecture of a task before it is assigned.",
    )

    due_on = DueDateField()

    class Meta:
        model = Program
        fields = (
            *("name", "description", "objectives", "evidence_location", "due_on"),
            *("validation_checklist", "validated_by"),
        )

    def clean_validated_by(self) -> str:
        return self.cleaned_data["validated_by"] or self.instance.validated_by


class WavePlan(PlanForm):
    name = TextField(widget=LINE)
    sequence_number = forms.IntegerField(
        label="Sequence number",
        min_value=0,
        max_value=MAX_ORDINAL,
        help_text="Waves are listed by this number. It is unique in the program.",
    )
    dependencies = forms.ModelMultipleChoiceField(
        label="Depends on",
        queryset=Wave.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The waves of this program that must be completed before this one starts.",
    )

    due_on = DueDateField()

    class Meta:
        model = Wave
        fields = ("name", "sequence_number", "dependencies", "due_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Wave.objects.filter(program=self.instance.program_id)
        if self.instance._state.adding:
            last = others.aggregate(last=Max("sequence_number"))["last"] or 0
            self.initial["sequence_number"] = last + 1
        else:
            others = others.exclude(pk=self.instance.pk)
        waits_for = cast(forms.ModelMultipleChoiceField, self.fields["dependencies"])
        waits_for.queryset = others.order_by("sequence_number")
        waits_for.label_from_instance = numbered  # type: ignore[method-assign]

    def clean_dependencies(self) -> list[str]:
        return [str(wave.pk) for wave in self.cleaned_data["dependencies"]]


class TaskPlan(PlanForm):
    name = TextField(widget=LINE)
    wave = forms.ModelChoiceField(
        queryset=Wave.objects.none(),
        empty_label=None,
        help_text="A wave of the same program that is not completed. If the task is under way, the"
        " wave must be in progress.",
    )
    acceptance_criteria = TextField(
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="What must be true when the task is done. One criterion per line.",
    )
    architecture_reference = TextField(
        required=False, widget=LINE, help_text="The document that is validated."
    )
    qa_suite_location = TextField(
        label="QA suite",
        required=False,
        widget=LINE,
        help_text="The suite that is red before the work starts and green when it is done.",
    )
    evidence_location = TextField(
        label="Evidence location", required=False, empty_value=None, widget=LINE
    )
    reason = TextField(
        label="Reason for the change",
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text="The task is under way: required to change its acceptance criteria, architecture"
        " reference or QA suite. Kept in the evidence, and shown with the certificate.",
    )

    due_on = DueDateField()

    class Meta:
        model = Task
        fields = (
            *("name", "wave", "planned_builder", "acceptance_criteria", "due_on"),
            *("architecture_reference", "qa_suite_location", "evidence_location"),
        )
        labels = {"planned_builder": "Planned builder"}
        help_texts = {
            "planned_builder": "It may read the task and report the first runs before the task is"
            " assigned. None for a manual task."
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            del self.fields["wave"]  # it is written down in one
        else:
            wave = cast(forms.ModelChoiceField, self.fields["wave"])
            wave.queryset = waves_to_be_in(self.instance)
            wave.label_from_instance = numbered  # type: ignore[method-assign]
        if self.instance.state not in UNDER_WAY:
            del self.fields["reason"]
        if self.instance.state != TaskState.PLANNED:
            del self.fields["planned_builder"]  # a builder has the task: see assign and release
        else:
            self.initial["planned_builder"] = self.instance.builder_before_assignment
            builder = cast(forms.TypedChoiceField, self.fields["planned_builder"])
            builder.choices = [("", "none (manual task)"), *builder.choices[1:]]  # type: ignore[index]
            builder.empty_value = None


def waves_to_be_in(task: Task) -> QuerySet[Wave]:
    """Return the waves that a task may be in: its own, and those of its program that accept it."""
    under_way = task.state in (TaskState.ASSIGNED, TaskState.IN_PROGRESS)
    open_to_it = Q(state=State.IN_PROGRESS) if under_way else ~Q(state=State.COMPLETED)
    waves = Wave.objects.filter(program__waves=task.wave_id)
    return waves.filter(open_to_it | Q(pk=task.wave_id)).order_by("sequence_number")


def numbered(wave: Wave) -> str:
    return f"{wave.sequence_number} {wave.name}"


def may_be_deleted(entity: Program | Wave | Task) -> bool:
    """Return whether deleting is offered: of what has not begun, and of an empty wave.

    The database decides.
    """
    is_open_wave = isinstance(entity, Wave) and entity.state != State.COMPLETED
    return entity.state == State.PLANNED or (is_open_wave and not entity.tasks.exists())
