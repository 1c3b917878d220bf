"""The form of a channel."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from foreman_office.notifications.channels import check_address, check_secret
from foreman_office.notifications.chat_services import known_services
from governance.models import Channel
from kit.web.forms import TextField

Kind = Channel.Kind
KINDS = [
    (Kind.EMAIL.value, Kind.EMAIL.label),
    (Kind.WEBHOOK.value, Kind.WEBHOOK.label),
    (Kind.APPRISE.value, "Chat or pager (Apprise)"),
]
HIDDEN = {"autocomplete": "off", "spellcheck": "false"}


class ChannelForm(forms.Form):
    name = TextField(max_length=100, widget=forms.TextInput({"autocomplete": "off"}))
    kind = forms.ChoiceField(choices=KINDS)
    address = TextField(
        max_length=2000,
        widget=forms.TextInput(HIDDEN),
        help_text=(
            "An e-mail address, the https:// address of a webhook, or an address of Apprise that"
            f" names one target. Stored encrypted. Apprise reaches {known_services()}."
        ),
    )
    secret = TextField(
        max_length=200,
        required=False,
        widget=forms.TextInput(HIDDEN),
        help_text="Signs webhooks: whsec_ and 24 to 64 bytes in base64. Left empty, one is made.",
    )

    def __init__(self, data: Any = None, *, channel: Channel | None = None) -> None:
        self.channel = channel
        initial = {"name": channel.name} if channel else {}
        super().__init__(data, initial=initial, label_suffix="")
        if channel:
            del self.fields["kind"]
            for name in ("address", "secret"):
                self.fields[name].required = False
                self.fields[name].help_text = "Left empty, it stays as it is."
            if channel.kind != Kind.WEBHOOK:
                del self.fields["secret"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Channel.objects.filter(name=name)
        if others.exclude(pk=self.channel.pk if self.channel else None).exists():
            raise ValidationError("Another channel has this name.", code="unique")
        return name

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"]
        if secret:
            check_secret(secret)
        return secret

    def clean(self) -> None:
        cleaned: Any = super().clean() or self.cleaned_data
        kind = self.channel.kind if self.channel else cleaned.get("kind")
        if kind and cleaned.get("address"):
            try:
                check_address(kind, cleaned["address"])
            except ValidationError as error:
                self.add_error("address", error)
