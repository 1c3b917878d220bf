"""Pages of the admin that correct governed records."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from kit.core.acts import Refused
from kit.core.contents import CHANGED_MEANWHILE, confirm_contents
from kit.web.admin.bulk_acts import ACTED_ON_AT_MOST, is_chosen_across_pages
from kit.web.admin.corrections import correct, corrections, history_of, refusal_text
from kit.web.admin.forms import GovernedForm, GovernedInlineForm, GovernedInlineFormSet, TextFields
from kit.web.forms import TextField
from kit.web.shown import FIELD as SHOWN


def is_saving(request: HttpRequest) -> bool:
    return request.method == "POST" and connection.in_atomic_block


def locked_if_saving(request: HttpRequest, rows: models.QuerySet) -> models.QuerySet:
    """Lock the rows that are about to be saved, so that they are compared as they are."""
    return rows.select_for_update(of=("self",)) if is_saving(request) else rows


def reason_to_delete(request: HttpRequest) -> str:
    try:
        return TextField(required=False).clean(request.POST.get("reason", ""))
    except ValidationError as error:
        raise Refused("reason", f"Reason: {' '.join(error.messages)}") from error


def fields_of(shown: dict[str, Any]) -> Iterator[forms.Field]:
    """Yield the fields of a change form and of its inlines."""
    if "adminform" not in shown:
        return
    inlines = [inline.formset for inline in shown["inline_admin_formsets"]]
    for form in [shown["adminform"].form, *(form for rows in inlines for form in rows)]:
        yield from form.fields.values()


class GovernedInline(TextFields, admin.TabularInline):
    """Rows inside their parent, few columns each. Their own pages have the rest, and deletion,
    which first says what would go with a row."""

    form = GovernedInlineForm
    formset = GovernedInlineFormSet
    extra = 0
    can_delete = False
    show_change_link = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = [*super().get_fields(request, obj)]
        return [*fields, SHOWN] if self.has_change_permission(request, obj) else fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return locked_if_saving(request, super().get_queryset(request))


class GovernedAdmin(TextFields, admin.ModelAdmin):
    """Edits governed records: in the admin's name, only what was changed, refusals explained."""

    form = GovernedForm
    show_full_result_count = False
    list_per_page = 50
    is_proof = False  # the database asks a reason to correct or remove what was recorded
    is_removed_for_a_reason = False  # it asks one to remove it, and none to correct it
    reasons_kept_in = "the evidence"

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fieldsets = [*super().get_fieldsets(request, obj)]
        if obj and self.has_change_permission(request, obj):
            fieldsets.append(("Correction", {"fields": ["reason", SHOWN]}))
        elif not obj and self.form.governed:
            fieldsets.append(("Override", {"fields": ["reason"]}))
        return fieldsets

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        form.refused = getattr(request, "refused", None)  # type: ignore[attr-defined]
        if self.is_proof:
            form.asks_reason = " Required to correct what was recorded."  # type: ignore[attr-defined]
        return form

    def get_object(self, request: HttpRequest, *args: Any) -> Any:
        row = super().get_object(request, *args)
        if row is not None and is_saving(request):
            # A second user who saves the same record waits here, then finds what the first saved.
            self.model._default_manager.select_for_update().get(pk=row.pk)
            row = super().get_object(request, *args)
        return row

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the admin's own log of a row, which names people of the whole office.

        Members of an organisation are led to the row: its evidence says who did what.
        """
        if not getattr(request, "organisation", None):
            return super().history_view(request, object_id, extra_context)
        messages.info(request, "Who did what here is in the evidence.")
        return HttpResponseRedirect("../change/")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = self.refusable_changeform_view(request, *args, **kwargs)
        shown = getattr(response, "context_data", None) or {}
        if any("conflict" in vars(field) for field in fields_of(shown)):
            response.status_code = 422
        return response

    def refusable_changeform_view(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        try:
            with corrections(request):
                return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            # Nothing was written. The same once more shows the form with what the database said.
            request.refused = refused  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    @property
    def deletion_context(self) -> dict[str, Any]:
        """Return what a question before deletion says of its reason."""
        is_asked = self.is_proof or self.is_removed_for_a_reason
        return {"is_proof": is_asked, "reasons_kept_in": self.reasons_kept_in}

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kwargs["extra_context"] = self.deletion_context
        if request.method != "POST":
            return super().delete_view(request, *args, **kwargs)
        try:
            with corrections(request, reason_to_delete(request)):
                return super().delete_view(request, *args, **kwargs)
        except Refused as refused:
            messages.error(request, refusal_text(refused))
            if refused.rule == CHANGED_MEANWHILE:
                return HttpResponseRedirect(request.path)  # the question, with what is inside now
            return HttpResponseRedirect(request.path.removesuffix("delete/") + "change/")

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> Any:
        is_deletion = request.POST.get("action") == "delete_selected"
        # Django's own question carries a key for each row, and a form has room for so many.
        if (
            is_deletion
            and is_chosen_across_pages(request)
            and len(queryset[: ACTED_ON_AT_MOST + 1]) > ACTED_ON_AT_MOST
        ):
            words = f"Delete at most {ACTED_ON_AT_MOST} at once: filter the list first."
            messages.error(request, words)
            return HttpResponseRedirect(request.get_full_path())
        try:
            reason = reason_to_delete(request) if is_deletion else ""
            with corrections(request, reason):
                response: Any = super().response_action(request, queryset, *args, **kwargs)
            if is_deletion and getattr(response, "context_data", None) is not None:
                response.context_data |= self.deletion_context
            return response
        except Refused as refused:
            messages.error(request, refusal_text(refused))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        forced = not {*form.governed}.isdisjoint(form.changed_data)
        with correct(request, form.cleaned_data.get("reason", ""), forced=forced):
            if change:
                columns = {field.name for field in obj._meta.concrete_fields}
                changed = {*form.changed_data, *(form.derived if form.changed_data else ())}
                obj.save(update_fields=columns & changed)
            else:
                obj.save()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        with correct(request, form.cleaned_data.get("reason", "")):
            for row in formset.new_objects:
                row.save()
            for row, fields in formset.changed_objects:
                row.save(update_fields=fields)

    def save_related(self, request: HttpRequest, *args: Any) -> None:
        super().save_related(request, *args)
        connection.check_constraints()  # the deferred ones too speak while there is a form

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        itself = self.model._base_manager.filter(pk=obj.pk)
        confirm_contents(itself, request.POST.get("shown", ""))
        super().delete_model(request, obj)
        connection.check_constraints()

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        confirm_contents(queryset, request.POST.get("shown", ""))
        super().delete_queryset(request, queryset)
        connection.check_constraints()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        rows = self.model._default_manager.filter(pk__in=[obj.pk for obj in objs])
        if history := list(history_of(rows)):
            return [], {}, set(), history
        return super().get_deleted_objects(objs, request)
