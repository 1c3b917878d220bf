from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.urls import reverse
from django.utils.html import format_html

from governance import actions
from governance.entities import name_entities
from governance.forms import ArchitectureValidationForm, BlockerForm, QAExecutionForm
from governance.models import (
    ArchitectureValidation,
    Blocker,
    CompletionClaim,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from kit.core.acts import FOREMAN
from kit.web.admin import GovernedAdmin, LongTable, ReadOnlyAdmin, resolve_rows
from programs.models import BuilderName


class EntityChangeList(ChangeList):
    """A list whose rows refer to entities by type and id, found for the whole page at once."""

    def get_results(self, request):
        super().get_results(request)
        self.result_list = name_entities(self.result_list)


class SpeaksOfAnEntity:
    """Shows the entity of a row, which is a program, wave, task or builder, by its name."""

    def get_changelist(self, request, **kwargs):
        return EntityChangeList

    def get_object(self, *args):
        row = super().get_object(*args)
        return row and name_entities([row])[0]

    @admin.display(description="of")
    def entity(self, row):
        if row.entity is None:
            return f"{row.entity_type} {row.entity_id}, deleted"
        opts = row.entity._meta
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.entity.pk])
        return format_html('{} <a href="{}">{}</a>', row.entity_type, url, row.entity)


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "open"

    def lookups(self, request, model_admin):
        return [("yes", "Open"), ("no", "Resolved")]

    def queryset(self, request, queryset):
        if self.value() in ("yes", "no"):
            return queryset.filter(resolved_at__isnull=self.value() == "yes")
        return queryset


@admin.register(Blocker)
class BlockerAdmin(SpeaksOfAnEntity, GovernedAdmin):
    is_removed_for_a_reason = True
    form = BlockerForm
    actions = ["resolve"]
    prose = ("description", "resolution_action")
    list_display = ["classification", "entity", "description", "detected_at", "resolved_at"]
    list_filter = [OpenFilter, "classification", "entity_type"]
    search_fields = ["description", "resolution_action", "entity_id__exact"]
    date_hierarchy = "detected_at"
    ordering = ["-detected_at"]
    readonly_fields = ["entity"]

    def get_fields(self, request, obj=None):
        # What a blocker blocks is chosen once: another entity is another blocker.
        entity = ["entity"] if obj else BlockerForm.ENTITIES
        blocker = ["classification", "description", "detected_at"]
        return [*entity, *blocker, "resolved_at", "resolution_action"]

    @admin.action(permissions=["change"], description="Resolve selected blockers")
    def resolve(self, request, queryset):
        def close(blocker, resolution):
            return actions.resolve_blocker(blocker, resolution_action=resolution, by=request.user)

        return resolve_rows(self, request, queryset.open(), close)


@admin.register(GovernanceViolation)
class GovernanceViolationAdmin(GovernedAdmin):
    is_proof = True
    actions = ["resolve"]
    prose = ("description", "resolution")
    list_display = ["violation_type", "task", "builder", "detected_at", "resolved_at"]
    list_select_related = ["task", "builder"]
    list_filter = [OpenFilter, "builder"]
    search_fields = ["violation_type", "description", "resolution", "task__name", "task_id__exact"]
    date_hierarchy = "detected_at"
    ordering = ["-detected_at"]
    autocomplete_fields = ["task", "builder"]
    fieldsets = [
        (
            None,
            {"fields": ["task", "builder", "violation_type", "description", "detected_at"]},
        ),
        ("Resolution", {"fields": ["resolved_at", "resolution"]}),
    ]

    @admin.action(permissions=["change"], description="Resolve selected violations")
    def resolve(self, request, queryset):
        def close(violation, resolution):
            return actions.resolve_violation(violation, resolution=resolution, by=request.user)

        return resolve_rows(self, request, queryset.unresolved(), close)


@admin.register(ArchitectureValidation)
class ArchitectureValidationAdmin(GovernedAdmin):
    is_proof = True
    form = ArchitectureValidationForm
    list_display = ["task", "build_readiness", "pass_rate", "validated_by", "validated_at"]
    list_select_related = ["task"]
    list_filter = ["build_readiness"]
    search_fields = ["task__name", "architecture_reference", "task_id__exact"]
    date_hierarchy = "validated_at"
    ordering = ["-validated_at"]
    autocomplete_fields = ["task"]
    readonly_fields = ["build_readiness"]
    fieldsets = [
        (None, {"fields": ["task", "architecture_reference", "validated_at", "validated_by"]}),
        ("Result", {"fields": ["validation_results", "pass_rate", "build_readiness"]}),
    ]


@admin.register(QAExecution)
class QAExecutionAdmin(GovernedAdmin):
    is_proof = True
    form = QAExecutionForm
    list_display = [
        "task",
        "qa_status",
        "passing_tests",
        "failing_tests",
        "skipped_tests",
        "total_tests",
        "test_debt_count",
        "executed_at",
    ]
    list_select_related = ["task"]
    list_filter = ["qa_status"]
    search_fields = ["task__name", "qa_suite_location", "task_id__exact"]
    date_hierarchy = "executed_at"
    ordering = ["-executed_at"]
    autocomplete_fields = ["task"]
    # The total and the status follow from the counts, and the database sets the arrival; what a
    # sender said is not corrected.
    readonly_fields = [
        *("total_tests", "qa_status"),
        *("arrived_at", "ended_at", "ended_zone_known", "exit_code"),
    ]
    fieldsets = [
        (None, {"fields": ["task", "qa_suite_location", "executed_at", "execution_time_ms"]}),
        (
            "Result",
            {
                "fields": [
                    "passing_tests",
                    "failing_tests",
                    "skipped_tests",
                    "total_tests",
                    "test_debt_count",
                    "never_tests",
                    "against",
                    "remarks",
                    "qa_status",
                ]
            },
        ),
        (
            "What its sender says",
            {"fields": ["ended_at", "ended_zone_known", "exit_code", "arrived_at"]},
        ),
    ]


class ActorFilter(admin.SimpleListFilter):
    title = parameter_name = "actor"

    def lookups(self, request, model_admin):
        return [(FOREMAN, FOREMAN), *BuilderName.choices]

    def queryset(self, request, queryset):
        return queryset.filter(actor=self.value()) if self.value() else queryset


@admin.register(CompletionClaim)
class CompletionClaimAdmin(ReadOnlyAdmin):
    """The claims of builders, with the gate's answers, read-only."""

    list_display = ["claimed_at", "builder", "task", "accepted"]
    list_select_related = ["builder", "task"]
    list_filter = ["accepted", "builder"]
    search_fields = ["task__name", "task_id__exact"]
    date_hierarchy = "claimed_at"
    ordering = ["-claimed_at"]


@admin.register(Evidence)
class EvidenceAdmin(SpeaksOfAnEntity, LongTable):
    list_display = ["timestamp", "action", "entity", "actor", "backend", "model", "witnessed"]
    list_filter = ["entity_type", ActorFilter, "witnessed"]
    search_fields = ["action", "entity_id__exact", "evidence_id__exact"]
    date_hierarchy = "timestamp"
    ordering = ["-timestamp", "-sequence"]
    fields = [
        "entity",
        "action",
        "actor",
        "backend",
        "model",
        "timestamp",
        "sequence",
        "witnessed",
        "context",
    ]
