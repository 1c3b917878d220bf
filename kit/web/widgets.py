"""Fields of forms, rendered without templates: Django includes one or two for each option.

A list may be filtered by a dozen fields, and by any of a hundred programs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms import Select
from django.forms.renderers import DjangoTemplates
from django.forms.utils import flatatt
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString

type Widget = Mapping[str, Any]  # what Django's templates know of a field


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


class PlainRenderer(DjangoTemplates):
    """Django's renderer, which puts the usual fields together as its templates would."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        draw = DRAWN.get(template_name)
        return draw(context["widget"]) if draw else super().render(template_name, context, request)


def draw_input(widget: Widget) -> str:
    value = widget["value"]
    shown = "" if value is None else f' value="{conditional_escape(value)}"'
    name = conditional_escape(widget["name"])
    return f'<input type="{widget["type"]}" name="{name}"{shown}{draw_attributes(widget)}>'


def draw_textarea(widget: Widget) -> str:
    name, text = conditional_escape(widget["name"]), conditional_escape(widget["value"] or "")
    return f'<textarea name="{name}"{draw_attributes(widget)}>\n{text}</textarea>'


def draw_select(widget: Widget) -> str:
    parts = [f'<select name="{conditional_escape(widget["name"])}"{draw_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        if group:
            parts.append(f'  <optgroup label="{conditional_escape(group)}">')
        parts += [
            f'  <option value="{conditional_escape(option["value"])}"{draw_attributes(option)}>'
            f"{conditional_escape(option['label'])}</option>"
            for option in options
        ]
        if group:
            parts.append("  </optgroup>")
    return "\n".join([*parts, "</select>"])


def draw_attributes(widget: Widget) -> str:
    return "".join(
        f" {name}" if value is True else f' {name}="{conditional_escape(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


DRAWN: dict[str, Callable[[Widget], str]] = {
    f"django/forms/widgets/{name}.html": draw
    for draw, names in {
        draw_input: ("text", "number", "hidden", "date", "datetime", "email", "url", "checkbox"),
        draw_textarea: ("textarea",),
        draw_select: ("select",),
    }.items()
    for name in names
}
