"""A select of very many options, rendered without templates: Django includes one or two for each.

A list may be filtered by any of a hundred programs.
"""

from typing import Any

from django.forms import Select
from django.forms.utils import flatatt
from django.utils.html import escape
from django.utils.safestring import SafeString


class PlainSelect(Select):
    """A select of very many options: values and labels alone, without Django's data for each."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = "" if value is None else str(value)
        options = (
            f'<option value="{escape(str(key))}"{" selected" if str(key) == chosen else ""}>'
            f"{escape(str(label))}</option>"
            for key, label in self.choices
        )
        attrs = self.build_attrs(self.attrs, {"name": name, **(attrs or {})})
        return SafeString("\n".join([f"<select{flatatt(attrs)}>", *options, "</select>"]))
