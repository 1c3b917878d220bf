"""Form widgets drawn without templates: Django includes one or two for each option of a select.

A list may be filtered by any of a hundred programs, and a page may offer a form in each row.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms import Select
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString


def attributes(given: Mapping[str, Any] | None) -> str:
    """Write attributes as Django's templates do: True is a name alone, False is nothing."""
    return "".join(
        f" {name}" if value is True else f' {name}="{escape(str(value))}"'
        for name, value in (given or {}).items()
        if value is not False
    )


def option(option: dict[str, Any]) -> str:
    value, attrs = escape(str(option["value"])), attributes(option["attrs"])
    return f'<option value="{value}"{attrs}>{conditional_escape(option["label"])}</option>'


def select(widget: dict[str, Any]) -> str:
    groups = []
    for name, options, _ in widget["optgroups"]:
        drawn = "\n".join(map(option, options))
        if name:
            drawn = f'<optgroup label="{conditional_escape(name)}">\n{drawn}\n</optgroup>'
        groups.append(drawn)
    opening = f'<select name="{escape(widget["name"])}"{attributes(widget["attrs"])}>'
    return "\n".join([opening, *groups, "</select>"])


class PlainSelect(Select):
    """A select of very many: values and labels alone, without what Django tells of each option."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = "" if value is None else str(value)
        options = (
            f'<option value="{escape(str(key))}"{" selected" if str(key) == chosen else ""}>'
            f"{escape(str(label))}</option>"
            for key, label in self.choices
        )
        attrs = self.build_attrs(self.attrs, {"name": name, **(attrs or {})})
        return SafeString("\n".join([f"<select{attributes(attrs)}>", *options, "</select>"]))


def textarea(widget: dict[str, Any]) -> str:
    # A browser takes the first line end for none.
    name, value = escape(widget["name"]), conditional_escape(widget["value"] or "")
    return f'<textarea name="{name}"{attributes(widget["attrs"])}>\n{value}</textarea>'


def field(widget: dict[str, Any]) -> str:
    """Draw an `input` of any type."""
    value = widget["value"]
    given = "" if value is None else f' value="{escape(str(value))}"'
    attrs = attributes(widget["attrs"])
    return f'<input type="{widget["type"]}" name="{escape(widget["name"])}"{given}{attrs}>'


def label(label: dict[str, Any]) -> str:
    words, tag = conditional_escape(label["label"]), label["tag"]
    return f"<{tag}{attributes(label['attrs'])}>{words}</{tag}>" if label["use_tag"] else words


DRAWN: dict[str, Callable[[dict[str, Any]], str]] = {
    f"django/forms/widgets/{name}.html": draw
    for name, draw in {
        "select": select,
        "textarea": textarea,
        **dict.fromkeys(["text", "search", "hidden", "number", "datetime", "input"], field),
    }.items()
}


class Renderer(DjangoTemplates):
    """Draw the common widgets in Python, and all others by their templates."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        if draw := DRAWN.get(template_name):
            return draw(context["widget"])
        if template_name == "django/forms/label.html":
            return label(context)
        return super().render(template_name, context, request)
