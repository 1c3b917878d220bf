from dataclasses import replace
from functools import partial

from django.contrib import admin
from django.contrib.admin.options import ActionLocation
from django.template.response import TemplateResponse

from builders import actions
from builders.forms import BuilderForm
from builders.models import (
    Builder,
    BuilderPause,
    BuilderToken,
    CIToken,
    Heartbeat,
    OfficeAbsence,
    Question,
)
from kit.web.admin import (
    GovernedAdmin,
    LongTable,
    ReadOnlyAdmin,
    ask_about,
    is_chosen_across_pages,
    log_bulk,
)
from kit.web.decision_forms import shown_once
from programs.models import Organisation


@admin.register(Builder)
class BuilderAdmin(GovernedAdmin):
    """The five builders: none can be added or deleted."""

    form = BuilderForm
    actions = ["issue_token"]
    list_display = ["builder_id", "backend_type", "state", "current_task", "last_heartbeat"]
    list_select_related = ["current_task"]
    list_filter = ["state", "backend_type"]
    search_fields = ["builder_id", "current_task__name"]
    date_hierarchy = "last_heartbeat"
    autocomplete_fields = ["current_task"]
    readonly_fields = ["builder_id", "last_heartbeat", "created_at", "updated_at"]
    fieldsets = [
        (None, {"fields": ["builder_id", "backend_type", "provenance"]}),
        ("Work", {"fields": ["state", "current_task", "last_heartbeat"]}),
        ("Silence", {"fields": ["silence_threshold_seconds"]}),
        ("Record", {"classes": ["collapse"], "fields": ["created_at", "updated_at"]}),
    ]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_issue_permission(self, request):
        return request.user.has_perm("builders.add_buildertoken")

    def get_actions(self, request, action_location=ActionLocation.CHANGE_LIST):
        """Return the actions, with one that issues a token for each organisation."""
        offered = super().get_actions(request, action_location)
        if usual := offered.get("issue_token"):
            for organisation in Organisation.objects.all():
                name = f"issue_token_{organisation.pk.hex}"
                words = f"Issue a token for {organisation}".replace("%", "%%")
                offered[name] = replace(
                    usual,
                    name=name,
                    description=words,
                    plural_description=words,
                    func=partial(BuilderAdmin.issue_token, organisation=organisation),
                )
        return offered

    @admin.action(
        permissions=["issue"],
        description="Issue a token",
        location=[ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM],
    )
    def issue_token(self, request, queryset, organisation=None):
        # Shown in this answer and nowhere else: a message would lie in a cookie or the session.
        issued = [
            actions.issue_token(builder, organisation=organisation, by=request.user)
            for builder in queryset
        ]
        answer = TemplateResponse(
            request,
            "admin/token_issued.html",
            {
                **self.admin_site.each_context(request),
                "title": "Token issued",
                "opts": self.opts,
                "issued": issued,
            },
        )
        return shown_once(answer)


@admin.register(BuilderToken)
class BuilderTokenAdmin(ReadOnlyAdmin):
    """The tokens of builders: issued and revoked on the builder's page; rows are never deleted."""

    actions = ["revoke"]
    list_display = [
        *("prefix", "builder", "organisation", "created_at", "last_used_at", "revoked_at"),
    ]
    list_select_related = ["builder", "organisation"]
    list_filter = ["builder", "organisation", ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["prefix", "builder__builder_id"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = ["builder", "organisation", "prefix", "created_at", "last_used_at", "revoked_at"]

    def has_revoke_permission(self, request):
        return request.user.has_perm("builders.change_buildertoken")

    @admin.action(permissions=["revoke"], description="Revoke selected tokens")
    def revoke(self, request, queryset):
        if is_chosen_across_pages(request):
            return ask_about(self, request, queryset.valid(), "admin/revoke.html", verb="revoke")
        valid = [actions.revoke_token(token, by=request.user) for token in queryset.valid()]
        log_bulk(request, valid, "Revoked.")
        self.message_user(request, f"Tokens revoked: {len(valid)}.")
        return None


@admin.register(CIToken)
class CITokenAdmin(ReadOnlyAdmin):
    """The CI tokens: issued and revoked on their page; rows are never deleted."""

    list_display = [
        *("prefix", "name", "organisation"),
        *("created_at", "ends_at", "last_used_at", "revoked_at"),
    ]
    list_select_related = ["organisation"]
    list_filter = ["organisation", ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["prefix", "name"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    fields = [
        *("name", "organisation", "prefix", "program_ids"),
        *("created_at", "ends_at", "last_used_at", "revoked_at"),
    ]


@admin.register(BuilderPause)
class BuilderPauseAdmin(ReadOnlyAdmin):
    """The pauses of builders, read-only: they begin and end on the builders' page."""

    list_display = ["builder", "reason", "started_at", "ends_at", "ended_at"]
    list_select_related = ["builder"]
    list_filter = ["builder"]
    search_fields = ["reason", "builder__builder_id"]
    date_hierarchy = "started_at"
    ordering = ["-started_at"]


@admin.register(Question)
class QuestionAdmin(ReadOnlyAdmin):
    """The questions of builders, read-only: they are answered in the inbox."""

    list_display = ["question", "task", "builder", "asked_at", "answered_at", "withdrawn_at"]
    list_select_related = ["task", "builder"]
    list_filter = ["builder", ("answered_at", admin.EmptyFieldListFilter)]
    search_fields = ["question", "answer", "task__name"]
    date_hierarchy = "asked_at"
    ordering = ["-asked_at"]


@admin.register(Heartbeat)
class HeartbeatAdmin(LongTable):
    list_display = ["timestamp", "builder", "status", "progress_percentage", "task", "message"]
    list_select_related = ["builder", "task"]
    list_filter = ["builder", "status"]
    search_fields = ["message", "task__name", "task_id__exact", "heartbeat_id__exact"]
    date_hierarchy = "timestamp"
    ordering = ["-timestamp"]


@admin.register(OfficeAbsence)
class OfficeAbsenceAdmin(ReadOnlyAdmin):
    """The times in which the office was closed, read-only: the watcher records them."""

    list_display = ["began_at", "ended_at"]
    search_fields = ["began_at", "absence_id__exact"]
    date_hierarchy = "began_at"
    ordering = ["-began_at"]
    fields = ["began_at", "ended_at"]
