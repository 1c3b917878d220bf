"""The admin corrects, in the open: what its pages have in common."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, connection, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.timezone import localtime, now
from psycopg import errors

from foreman_office.kit.acts import Refused, act
from foreman_office.kit.forms import TextField
from foreman_office.kit.sql import ContractNow

admin.site.site_header = "Foreman Office administration"
admin.site.site_title = "Foreman Office"
admin.site.index_title = "Records"
admin.site.site_url = None  # base_site.html has a link of its own

HISTORY_COUNTED = 1000
LISTED_AT_MOST = 10_000
SHOWN_AT_MOST = 20


def correct(
    request: HttpRequest, reason: str = "", *, forced: bool = False
) -> AbstractContextManager[None]:
    """Act in the admin's name, for a reason that the evidence keeps.

    The one place that says what a reason is worth to the database: what is governed is `forced`
    by it, past lifecycles and gates.
    """
    by = request.user  # the admin lets nobody in who is not
    return act(by, override=reason if forced else "", **({"reason": reason} if reason else {}))  # type: ignore[arg-type]


@contextmanager
def corrections(request: HttpRequest) -> Iterator[None]:
    """Hold everything that one request of the admin writes together, and refuse it as one.

    Besides what `act` refuses, a row that the page still showed may be gone, and one that it did
    not show yet may have come.
    """
    try:
        with correct(request):
            yield
    except (models.ProtectedError, models.RestrictedError) as error:
        raise Refused("history", "It has history, which stays.") from error
    except IntegrityError as error:
        cause = error.__cause__
        if not isinstance(cause, errors.ForeignKeyViolation):
            raise
        raise Refused(
            cause.diag.constraint_name or "unknown",
            "Something that it refers to, or that refers to it, has changed meanwhile.",
        ) from error


def sentence(refused: Refused) -> str:
    return f"{refused.message} (rule: {refused.rule})"


def history_of(rows: models.QuerySet) -> Iterator[str]:
    """Say what keeps rows from being deleted: the history of them, or of what would go with them.

    The number of queries follows from the models; the rows may be millions, so none is loaded.
    """
    for relation in rows.model._meta.related_objects:
        if relation.on_delete is models.DO_NOTHING:
            continue  # kept by triggers, it goes with what it was drawn from
        related = relation.related_model._default_manager.filter(
            **{f"{relation.field.name}__in": rows}
        ).order_by()
        if relation.on_delete is models.CASCADE:
            yield from history_of(related)
        elif count := related[: HISTORY_COUNTED + 1].count():
            opts = relation.related_model._meta
            if count > HISTORY_COUNTED:
                yield f"more than {HISTORY_COUNTED} {opts.verbose_name_plural}"
            else:
                yield f"{count} {opts.verbose_name if count == 1 else opts.verbose_name_plural}"


class BoundedPaginator(Paginator):
    """Pages of a table too long to count: it ends where nobody would go on turning pages."""

    @cached_property
    def count(self) -> int:
        rows = cast(models.QuerySet, self.object_list)
        return rows.order_by()[:LISTED_AT_MOST].count()


class TextFields(admin.options.BaseModelAdmin):
    """Text as text: long where `prose` names it, otherwise a line that grows."""

    prose: tuple[str, ...] = ()

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if isinstance(db_field, models.TextField) and not db_field.choices:
            long = db_field.name in self.prose
            kwargs |= {
                "form_class": TextField,
                "empty_value": None if db_field.null else "",
                "widget": forms.Textarea({"class": "vLargeTextField", "rows": 6 if long else 1}),
            }
        if db_field.has_db_default():
            default = db_field.db_default
            kwargs.setdefault("initial", now if isinstance(default, ContractNow) else default)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class GovernedForm(forms.ModelForm):
    """A correction: a change of a governed column says why, and a refusal comes back here."""

    governed: tuple[str, ...] = ()
    refused: Refused | None = None

    reason = TextField(
        required=False,
        widget=forms.Textarea({"class": "vLargeTextField", "rows": 2}),
        help_text="Kept in the evidence.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if words := [
            str(self.fields[name].label).lower() for name in self.governed if name in self.fields
        ]:
            self.fields[
                "reason"
            ].help_text = f"Kept in the evidence. Needed to change {' or '.join(words)}."

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        governed = [name for name in self.changed_data if name in self.governed]
        if governed and not self.instance._state.adding and not self.cleaned_data.get("reason"):
            self.add_error(
                "reason", ValidationError("Say why: this is not a usual move.", code="required")
            )
        if self.refused:
            raise ValidationError(sentence(self.refused), code=self.refused.rule)
        return cleaned


class GovernedInlineForm(forms.ModelForm):
    """A row of an inline: the database is asked only about rows that were edited."""

    def validate_constraints(self) -> None:
        if self.has_changed():
            super().validate_constraints()


class GovernedInlineFormSet(forms.BaseInlineFormSet):
    """Rows are found by their keys all at once; Django's own key field asks for each one again."""

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        key = form._meta.model._meta.pk.name
        form.fields[key] = forms.UUIDField(
            required=False, initial=form.fields[key].initial, widget=forms.HiddenInput
        )


class GovernedInline(TextFields, admin.TabularInline):
    """Rows inside their parent, few columns each. Their own pages have the rest, and deletion,
    which first says what would go with a row."""

    form = GovernedInlineForm
    formset = GovernedInlineFormSet
    extra = 0
    can_delete = False
    show_change_link = True


class GovernedAdmin(TextFields, admin.ModelAdmin):
    """Edits records in the open: in the admin's name, only what was changed, refusals explained."""

    form = GovernedForm
    show_full_result_count = False
    list_per_page = 50

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fieldsets = [*super().get_fieldsets(request, obj)]
        if obj and self.has_change_permission(request, obj):
            fieldsets.append(("Correction", {"fields": ["reason"]}))
        return fieldsets

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        form.refused = getattr(request, "refused", None)  # type: ignore[attr-defined]
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        try:
            with corrections(request):
                return super().changeform_view(request, *args, **kwargs)
        except Refused as refused:
            # Nothing was written. The same once more shows the form with what the database said.
            request.refused = refused  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().delete_view(request, *args, **kwargs)
        try:
            with corrections(request):
                return super().delete_view(request, *args, **kwargs)
        except Refused as refused:
            messages.error(request, sentence(refused))
            return HttpResponseRedirect(request.path.removesuffix("delete/") + "change/")

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            with corrections(request):
                return super().response_action(request, *args, **kwargs)
        except Refused as refused:
            messages.error(request, sentence(refused))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        forced = change and not {*form.governed}.isdisjoint(form.changed_data)
        with correct(request, form.cleaned_data.get("reason", ""), forced=forced):
            if change:
                columns = {field.name for field in obj._meta.concrete_fields}
                obj.save(update_fields=columns.intersection(form.changed_data))
            else:
                obj.save()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for row in formset.new_objects:
            row.save()
        for row, fields in formset.changed_objects:
            row.save(update_fields=fields)

    def save_related(self, request: HttpRequest, *args: Any) -> None:
        super().save_related(request, *args)
        connection.check_constraints()  # the deferred ones too speak while there is a form

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        super().delete_model(request, obj)
        connection.check_constraints()

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        super().delete_queryset(request, queryset)
        connection.check_constraints()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        rows = self.model._default_manager.filter(pk__in=[obj.pk for obj in objs])
        if history := list(history_of(rows)):
            return [], {}, set(), history
        return super().get_deleted_objects(objs, request)


class ReadOnlyAdmin(admin.ModelAdmin):
    """Records that nobody corrects, superusers included."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Calendar(models.QuerySet):
    """Offers every period between the first row and the last.

    Django would read all rows to leave out the periods that have none.
    """

    def datetimes(self, field_name: str, kind: str, *args: Any) -> list[date]:  # type: ignore[override]
        ends = self.aggregate(first=models.Min(field_name), last=models.Max(field_name))
        if ends["first"] is None:
            return []
        first, last = localtime(ends["first"]).date(), localtime(ends["last"]).date()
        coarser = {"year": {"month": 1, "day": 1}, "month": {"day": 1}, "day": {}}[kind]
        days = (first + timedelta(days=number) for number in range((last - first).days + 1))
        return sorted({day.replace(**coarser) for day in days})


class LongTable(ReadOnlyAdmin):
    """A table of millions: counted only so far, ordered by an index."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    list_per_page = 50
    search_help_text = (
        f"The newest {LISTED_AT_MOST:,} that match are listed; older ones are found by date,"
        " filter or search."
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return Calendar(self.model)


class ResolutionForm(forms.Form):
    resolution = TextField(
        label="What was done about it",
        widget=forms.Textarea({"class": "vLargeTextField", "rows": 4}),
    )


def resolve_rows(
    page: admin.ModelAdmin,
    request: HttpRequest,
    rows: models.QuerySet,
    resolve: Callable[[Any, str], models.Model],
) -> HttpResponse | None:
    """Resolve rows by `resolve(row, resolution)`; first ask the admin what was done about them."""
    form = ResolutionForm(request.POST if "resolution" in request.POST else None)
    if form.is_valid():
        resolved = [resolve(row, form.cleaned_data["resolution"]) for row in rows]
        log_bulk(request, resolved, "Resolved.")
        page.message_user(request, f"{page.opts.verbose_name_plural} resolved: {len(resolved)}.")
        return None
    return TemplateResponse(
        request,
        "admin/resolve.html",
        {
            **page.admin_site.each_context(request),
            "title": f"Resolve {page.opts.verbose_name_plural}",
            "opts": page.opts,
            "rows": rows[:SHOWN_AT_MOST],
            "count": rows.count(),
            "form": form,
            # What the list had posted, to be posted again with the answer.
            "carried": [
                (name, value)
                for name in ("action", "select_across", ACTION_CHECKBOX_NAME)
                for value in request.POST.getlist(name)
            ],
        },
    )


def log_bulk(request: HttpRequest, rows: list[Any], message: str) -> None:
    """Keep a bulk action in the admin's own history of each row, as a single change would be."""
    LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, message)  # type: ignore[arg-type]
