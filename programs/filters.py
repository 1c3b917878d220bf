"""What lists of the plan can be asked for; each field is named one by one."""

from django_filters import ChoiceFilter, FilterSet

from programs.models import BuilderName, Task, TaskState


class TaskFilter(FilterSet):
    state = ChoiceFilter(label="State", choices=TaskState, empty_label="any")
    builder = ChoiceFilter(
        label="Builder", field_name="assigned_builder", choices=BuilderName, empty_label="any"
    )

    class Meta:
        model = Task
        fields: list[str] = []
