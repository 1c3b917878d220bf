from django.contrib import admin

from kit.web.admin import (
    AutocompleteFilter,
    GovernedAdmin,
    GovernedInline,
    ReadOnlyAdmin,
    SearchedFilters,
)
from programs.actions import move_to_organisation
from programs.forms import ProgramForm, TaskForm, WaveForm
from programs.models import Organisation, PlanNote, Program, Task, TaskLink, TaskNote, Wave


class WaveInline(GovernedInline):
    model = Wave
    fields = ["sequence_number", "name", "state", "progress_percentage"]
    readonly_fields = ["state", "progress_percentage"]
    ordering = ["sequence_number"]


class TaskInline(GovernedInline):
    model = Task
    fields = ["name", "assigned_builder", "state", "progress_percentage"]
    readonly_fields = ["assigned_builder", "state", "progress_percentage"]
    ordering = ["created_at", "name"]


@admin.register(Program)
class ProgramAdmin(GovernedAdmin):
    form = ProgramForm
    inlines = [WaveInline]
    prose = ("description",)
    list_display = ["name", "state", "progress_percentage", "created_at", "updated_at"]
    list_filter = ["state"]
    search_fields = ["name", "description", "program_id__exact"]
    date_hierarchy = "created_at"
    readonly_fields = ["progress_percentage", "created_at", "updated_at"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    *("name", "description", "objectives", "due_on", "state"),
                    "progress_percentage",
                ]
            },
        ),
        ("Validation", {"fields": ["validation_checklist", "validated_by"]}),
        (
            "Record",
            {
                "classes": ["collapse"],
                "fields": [
                    "evidence_location",
                    "created_by",
                    "organisation_id",
                    "created_at",
                    "updated_at",
                ],
            },
        ),
    ]

    def save_model(self, request, obj, form, change):
        if change and "organisation_id" in form.changed_data:
            to = obj.organisation_id and Organisation(pk=obj.organisation_id)
            move_to_organisation(obj, to, reason=form.cleaned_data["reason"], by=request.user)
        super().save_model(request, obj, form, change)


@admin.register(Wave)
class WaveAdmin(SearchedFilters, GovernedAdmin):
    form = WaveForm
    inlines = [TaskInline]
    list_display = ["name", "program", "sequence_number", "state", "progress_percentage"]
    list_select_related = ["program"]
    list_filter = ["state", ("program", AutocompleteFilter)]
    search_fields = ["name", "program__name", "wave_id__exact"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["program"]
    readonly_fields = ["progress_percentage", "created_at", "updated_at"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "program",
                    "sequence_number",
                    "name",
                    "dependencies",
                    "due_on",
                    "state",
                    "progress_percentage",
                ]
            },
        ),
        ("Record", {"classes": ["collapse"], "fields": ["created_at", "updated_at"]}),
    ]


@admin.register(Task)
class TaskAdmin(SearchedFilters, GovernedAdmin):
    form = TaskForm
    prose = ("acceptance_criteria",)
    list_display = [
        "name",
        "wave",
        "program",
        "assigned_builder",
        "state",
        "progress_percentage",
    ]
    list_select_related = ["wave__program"]
    list_filter = ["state", "assigned_builder", ("wave__program", AutocompleteFilter)]
    search_fields = ["name", "architecture_reference", "wave__name", "task_id__exact"]
    date_hierarchy = "created_at"
    ordering = ["-updated_at"]
    autocomplete_fields = ["wave"]
    readonly_fields = ["created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["wave", "name", "acceptance_criteria", "due_on"]}),
        ("Architecture and quality", {"fields": ["architecture_reference", "qa_suite_location"]}),
        (
            "Work",
            {
                "fields": [
                    "planned_builder",
                    "assigned_builder",
                    "state",
                    "progress_percentage",
                    "evidence_location",
                    "started_at",
                    "completed_at",
                ]
            },
        ),
        ("Record", {"classes": ["collapse"], "fields": ["created_at", "updated_at"]}),
    ]

    @admin.display(ordering="wave__program")
    def program(self, task):
        return task.wave.program


@admin.register(PlanNote)
class PlanNoteAdmin(ReadOnlyAdmin):
    """The notes of plans that were sent back, read-only: they are written on the plans' pages."""

    list_display = ["created_at", "program", "note", "written_by"]
    list_select_related = ["program"]
    search_fields = ["note", "written_by", "program__name", "program_id__exact"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = ["program", "note", "written_by", "created_at"]


@admin.register(TaskLink)
class TaskLinkAdmin(ReadOnlyAdmin):
    """The links of tasks, read-only: they are added and removed on the task's page."""

    list_display = ["url", "label", "kind", "task", "added_by", "added_at"]
    list_select_related = ["task"]
    list_filter = ["kind", "added_by"]
    search_fields = ["url", "label", "task__name"]
    date_hierarchy = "added_at"
    ordering = ["-added_at"]


@admin.register(TaskNote)
class TaskNoteAdmin(ReadOnlyAdmin):
    """The notes on tasks, read-only: they are written on the task's page."""

    list_display = ["text", "task", "written_by", "written_at"]
    list_select_related = ["task"]
    list_filter = ["written_by"]
    search_fields = ["text", "task__name"]
    date_hierarchy = "written_at"
    ordering = ["-written_at"]
