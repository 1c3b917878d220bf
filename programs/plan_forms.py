"""How a foreman writes the plan down: programs, waves and tasks, all but their states."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from django import forms
from django.db.models import Max, Q, QuerySet

from foreman_office.kit.acts import Refused
from foreman_office.kit.forms import LinesField, TextField
from programs.models import Program, State, Task, TaskState, Wave

LINE = forms.TextInput({"autocomplete": "off"})


class Problem(NamedTuple):
    """What is wrong with a form: where, what, and by which rule."""

    label: str
    place: str  # the id of the field, if there is one
    message: str
    rule: str


class PlanForm(forms.ModelForm):
    """A row of the plan. What is wrong is said at its field, with the name of the rule."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            place = self[name].id_for_label or f"id_{name}"
            helped = f"{place}_helptext " if field.help_text else ""
            field.widget.attrs["aria-describedby"] = f"{helped}{self[name].auto_id}_error"

    @property
    def changes(self) -> dict[str, Any]:
        """Return what was filled in differently from what stands there."""
        return {name: self.cleaned_data[name] for name in self.changed_data}

    @property
    def problems(self) -> Iterator[Problem]:
        for name, errors in self.errors.as_data().items():
            bound = self[name] if name in self.fields else None
            for error in errors:
                yield Problem(
                    str(bound.label) if bound else "",
                    bound.auto_id if bound else "",
                    " ".join(error.messages),
                    error.code or "invalid",
                )

    def validate_constraints(self) -> None:
        """Ask each constraint on a field of the form, so that its error goes where it belongs."""
        for constraint in self.instance._meta.constraints:
            if self.field_of(constraint.name) is None:
                continue
            try:
                constraint.validate(type(self.instance), self.instance, exclude={*self.errors})
            except forms.ValidationError as error:
                self.refuse(Refused(constraint.name, " ".join(error.messages)))

    def refuse(self, refused: Refused) -> None:
        """Say a refusal of the database at the field that the name of its rule names."""
        error = forms.ValidationError(refused.message, code=refused.rule)
        self.add_error(self.field_of(refused.rule), error)

    def field_of(self, rule: str) -> str | None:
        return next((name for name in self.fields if name in rule), None)


class ProgramPlan(PlanForm):
    name = TextField(widget=LINE)
    description = TextField(
        widget=forms.Textarea({"rows": 4}), help_text="What it is and for whom, in a few sentences."
    )
    objectives = LinesField(
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="One objective on each line.",
    )
    evidence_location = TextField(
        label="Where the evidence is kept",
        required=False,
        empty_value=None,
        widget=LINE,
        help_text="A path or an address, such as evidence/lamps/.",
    )

    class Meta:
        model = Program
        fields = ("name", "description", "objectives", "evidence_location")


class WavePlan(PlanForm):
    name = TextField(widget=LINE)
    sequence_number = forms.IntegerField(
        label="Place in the program",
        help_text="Waves are listed by this number; no two of a program share one.",
    )
    dependencies = forms.ModelMultipleChoiceField(
        label="Waits for",
        queryset=Wave.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The waves of this program that must be completed before this one starts.",
    )

    class Meta:
        model = Wave
        fields = ("name", "sequence_number", "dependencies")

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
        help_text="Another wave of the same program takes it in: one that is not completed, or, if"
        " the task is under way, one in progress.",
    )
    acceptance_criteria = TextField(
        required=False,
        widget=forms.Textarea({"rows": 5}),
        help_text="When it is done. One criterion on each line.",
    )
    architecture_reference = TextField(
        required=False, widget=LINE, help_text="The document that the architecture is validated by."
    )
    qa_suite_location = TextField(
        label="QA suite",
        required=False,
        widget=LINE,
        help_text="The suite that is red before the work begins and green at its end.",
    )
    evidence_location = TextField(
        label="Where the evidence is kept", required=False, empty_value=None, widget=LINE
    )

    class Meta:
        model = Task
        fields = (
            *("name", "wave", "assigned_builder", "acceptance_criteria"),
            *("architecture_reference", "qa_suite_location", "evidence_location"),
        )
        labels = {"assigned_builder": "Builder"}
        help_texts = {"assigned_builder": "Who shall build it; nobody, if you do it yourself."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            del self.fields["wave"]  # it is written down in one
        else:
            wave = cast(forms.ModelChoiceField, self.fields["wave"])
            wave.queryset = waves_to_be_in(self.instance)
            wave.label_from_instance = numbered  # type: ignore[method-assign]
        if self.instance.state != TaskState.PLANNED:
            del self.fields["assigned_builder"]  # it has the task: see assign and release
        else:
            builder = cast(forms.TypedChoiceField, self.fields["assigned_builder"])
            builder.choices = [("", "nobody (the foreman)"), *builder.choices[1:]]  # type: ignore[index]
            builder.empty_value = None


def waves_to_be_in(task: Task) -> QuerySet[Wave]:
    """Return the waves that a task may be in: its own, and those of its program that take it in."""
    under_way = task.state in (TaskState.ASSIGNED, TaskState.IN_PROGRESS)
    open_to_it = Q(state=State.IN_PROGRESS) if under_way else ~Q(state=State.COMPLETED)
    waves = Wave.objects.filter(program__waves=task.wave_id)
    return waves.filter(open_to_it | Q(pk=task.wave_id)).order_by("sequence_number")


def numbered(wave: Wave) -> str:
    return f"{wave.sequence_number} {wave.name}"


def may_be_deleted(entity: Program | Wave | Task) -> bool:
    """Tell whether deleting is offered: of what has not begun, and of a wave that stands empty.

    The database has the last word.
    """
    is_open_wave = isinstance(entity, Wave) and entity.state != State.COMPLETED
    return entity.state == State.PLANNED or (is_open_wave and not entity.tasks.exists())
