"""Users in the admin: Django's own page, and the removal of a second factor."""

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from procrastinate.contrib.django.models import ProcrastinateJob

from foreman_office.access import resetting
from kit.web.admin import ask_about, log_bulk
from kit.web.forms import TextField

admin.site.unregister([User, ProcrastinateJob])  # jobs are shown as messages


class ResetForm(forms.Form):
    reason = TextField(
        label="Reason", widget=forms.Textarea({"class": "vLargeTextField", "rows": 4})
    )


@admin.register(User)
class OfficeUserAdmin(UserAdmin):
    actions = ["reset_second_factor"]

    @admin.action(permissions=["change"], description="Turn off two-factor login of selected users")
    def reset_second_factor(self, request, rows):
        """Remove second factors for a reason, after a page that asks for it."""
        if not request.user.is_superuser:
            rows = rows.filter(is_superuser=False)
        rows = rows.filter(pk__in=resetting.having_one())
        form = ResetForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            template = "admin/reset_second_factor.html"
            return ask_about(self, request, rows, template, verb="reset", form=form)
        reason = form.cleaned_data["reason"]
        done = [user for user in rows if resetting.reset(user, reason, request)]
        log_bulk(request, done, f"Two-factor login turned off: {reason}")
        self.message_user(request, f"Two-factor login turned off: {len(done)}.")
        return None
