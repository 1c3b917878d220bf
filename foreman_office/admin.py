"""Users and organisations in the admin.

People are managed for a reason, by nobody above what they are themselves.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from procrastinate.contrib.django.models import ProcrastinateJob

from foreman_office.access import resetting
from governance.actions import remove_member, set_member
from governance.models import OrganisationMember
from kit.core.acts import Refused
from kit.web.admin import (
    GovernedAdmin,
    GovernedForm,
    GovernedInline,
    ask_about,
    correct,
    log_bulk,
    reason_to_delete,
)
from kit.web.forms import TextField
from programs.actions import delete_organisation
from programs.models import Organisation

admin.site.unregister([User, Group, ProcrastinateJob])  # jobs are shown as messages


class ResetForm(forms.Form):
    reason = TextField(
        label="Reason", widget=forms.Textarea({"class": "vLargeTextField", "rows": 4})
    )


class ForAReason(forms.Form):
    """Asks why, for the office log."""

    reason = TextField(
        widget=forms.Textarea({"class": "vLargeTextField", "rows": 2}),
        help_text="Kept in the office log.",
    )


class UserForm(ForAReason, UserChangeForm):
    pass


class NewUserForm(ForAReason, AdminUserCreationForm):
    pass


WHY = ("Reason", {"fields": ["reason"]})
# What only a superuser gives; and what nobody else changes of themselves.
RIGHTS = ("is_superuser", "user_permissions")
OWN_RIGHTS = ("is_active", "is_staff", "groups")


def rights_of(user: User) -> set[int]:
    """Return the permissions of a user, whether it may log in now or not."""
    given = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    return set(given.values_list("pk", flat=True))


def may_manage(by: Any, user: User) -> bool:
    """Return whether somebody may change a user: one who has no right that they have not."""
    return by.is_superuser or (not user.is_superuser and rights_of(user) <= rights_of(by))


def groups_to_give(by: Any) -> QuerySet[Group]:
    """Return the groups that somebody may put people into: those with no right beyond theirs."""
    if by.is_superuser:
        return Group.objects.all()
    beyond = Permission.objects.exclude(pk__in=rights_of(by))
    return Group.objects.exclude(permissions__in=beyond)


@admin.register(User)
class OfficeUserAdmin(UserAdmin):
    actions = ["reset_second_factor"]
    form = UserForm
    add_form = NewUserForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not obj:
            return [*fieldsets, WHY]
        if not request.user.is_superuser:  # passwords of others are no business of theirs
            fieldsets = [(None, {"fields": ["username"]}), *fieldsets[1:]]
        return [*fieldsets, WHY] if self.has_change_permission(request, obj) else fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = [*super().get_readonly_fields(request, obj), "last_login", "date_joined"]
        if not request.user.is_superuser:
            fields += RIGHTS
            if obj and obj.pk == request.user.pk:
                fields += OWN_RIGHTS
        return fields

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["queryset"] = groups_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_manage(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser) and super().has_delete_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        with correct(request, request.POST.get("reason", "").strip()):
            return super().changeform_view(request, *args, **kwargs)

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Set the password of somebody else, which lets one in as them: for superusers."""
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, *args, **kwargs)

    @admin.action(permissions=["change"], description="Turn off two-factor login of selected users")
    def reset_second_factor(self, request, rows):
        """Remove second factors for a reason, after a page that asks for it."""
        rows = rows.filter(pk__in=resetting.having_one())
        if not request.user.is_superuser:
            rows = rows.filter(pk__in=[user.pk for user in rows if may_manage(request.user, user)])
        form = ResetForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            template = "admin/reset_second_factor.html"
            return ask_about(self, request, rows, template, verb="reset", form=form)
        reason = form.cleaned_data["reason"]
        done = [user for user in rows if resetting.reset(user, reason, request)]
        log_bulk(request, done, f"Two-factor login turned off: {reason}")
        self.message_user(request, f"Two-factor login turned off: {len(done)}.")
        return None


@admin.register(Group)
class OfficeGroupAdmin(GroupAdmin):
    """Groups are looked at by admins, and changed by superusers: they give rights."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class OrganisationForm(ForAReason, GovernedForm):
    pass


class MembersFormSet(GovernedInline.formset):
    """The members of an organisation: of each only the role is changed."""

    by: Any

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["user"].disabled = not form.instance._state.adding

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            if form.has_changed() and form.is_valid():
                user = form.cleaned_data["user"]
                if not may_give_memberships(self.by, user):
                    raise ValidationError(
                        "You cannot change the membership of %(user)s: nobody changes their own, or"
                        " that of a user with rights that they have not.",
                        params={"user": user},
                    )


def may_give_memberships(by: Any, user: User) -> bool:
    return by.is_superuser or (user != by and may_manage(by, user))


class MemberInline(GovernedInline):
    model = OrganisationMember
    formset = MembersFormSet
    fields = ["user", "role"]
    autocomplete_fields = ["user"]
    verbose_name, verbose_name_plural = "member", "members"
    can_delete = True
    show_change_link = False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.by = request.user
        if user := formset.form.base_fields.get("user"):  # users have pages of their own
            user.widget = user.widget.widget
        return formset


@admin.register(Organisation)
class OrganisationAdmin(GovernedAdmin):
    """Organisations and who belongs to them. Programs are given to them on their own pages."""

    form = OrganisationForm
    inlines = [MemberInline]
    list_display = ["name", "created_at"]
    search_fields = ["name", "organisation_id__exact"]
    date_hierarchy = "created_at"
    readonly_fields = ["created_at"]
    fieldsets = [(None, {"fields": ["name", "created_at"]})]
    is_removed_for_a_reason = True
    reasons_kept_in = "the office log"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else [*fieldsets, WHY]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        members = obj.members.select_related("user") if obj and allowed else ()
        return allowed and all(may_give_memberships(request.user, each.user) for each in members)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        told = {"reason": form.cleaned_data["reason"], "by": request.user}
        for member in formset.deleted_objects:
            remove_member(member, **told)
        for member in [*formset.new_objects, *(row for row, _ in formset.changed_objects)]:
            set_member(member.organisation, member.user, member.role, **told)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return admin.ModelAdmin.get_deleted_objects(self, objs, request)

    def delete_model(self, request: HttpRequest, obj: Organisation) -> None:
        if not (reason := reason_to_delete(request)):
            raise Refused("reason", "Enter a reason: the office log keeps it.")
        delete_organisation(obj, reason=reason, by=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Organisation]) -> None:
        for organisation in queryset:
            if not self.has_delete_permission(request, organisation):
                raise PermissionDenied
            self.delete_model(request, organisation)
