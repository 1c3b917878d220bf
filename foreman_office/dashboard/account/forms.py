from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError

from foreman_office.access.entering import takes_code

WRONG_PASSWORD = "The password is wrong."  # noqa: S105
WRONG_CODE = "The code is wrong, or was used already."


class OwnPasswordForm(PasswordChangeForm):
    """A new password of one's own. The old one is checked as at the login, with its limits."""

    def __init__(self, request, data=None):
        self.request = request
        super().__init__(request.user, data, label_suffix="")
        del self.fields["old_password"].widget.attrs["autofocus"]

    def clean_old_password(self):
        old = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=old) is None:
            code = "password_incorrect"
            raise ValidationError(self.error_messages[code], code=code)
        return old


class OwnerForm(forms.Form):
    """The password again, for what decides how one logs in; nothing for who has none."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )

    def __init__(self, request, data=None):
        self.request, self.user = request, request.user
        super().__init__(data, label_suffix="", auto_id=f"id_{type(self).__name__.lower()}_%s")
        if not self.user.has_usable_password():
            del self.fields["password"]

    def clean_password(self):
        password = self.cleaned_data["password"]
        if authenticate(self.request, username=self.user.get_username(), password=password) is None:
            raise ValidationError(WRONG_PASSWORD, code="password_incorrect")
        return password


class OwnerWithCodeForm(OwnerForm):
    """The password and a code of the second factor, which is used up by a right password only."""

    code = forms.CharField(
        max_length=40,
        widget=forms.TextInput({"autocomplete": "one-time-code", "spellcheck": "false"}),
        help_text="Of the authenticator app, or a recovery code.",
    )

    def clean(self):
        if not self.errors and not takes_code(self.request, self.user, self.cleaned_data["code"]):
            self.add_error("code", ValidationError(WRONG_CODE, code="code_incorrect"))
        return super().clean()


class FirstCodeForm(forms.Form):
    code = forms.CharField(
        max_length=40,
        label="Code that the app shows",
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, data=None):
        super().__init__(data, label_suffix="")
