"""Form widgets drawn without templates: Django includes one or two for each option of a select.

A list may be filtered by any of a hundred programs, and a page may offer a form in each row.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

type Drawn = Callable[[dict[str, Any]], SafeString]


def attributes(given: Mapping[str, Any]) -> SafeString:
    """Write attributes as Django's templates do: True is a name alone, False is nothing."""
    return format_html_join(
        "",
        " {}{}",
        (
            (name, "" if value is True else format_html('="{}"', str(value)))
            for name, value in given.items()
            if value is not False
        ),
    )


def option(option: dict[str, Any]) -> SafeString:
    return format_html(
        '<option value="{}"{}>{}</option>',
        str(option["value"]),
        attributes(option["attrs"]),
        option["label"],
    )


def select(widget: dict[str, Any]) -> SafeString:
    groups = []
    for name, options, _ in widget["optgroups"]:
        drawn = format_html_join("\n", "{}", ((option(each),) for each in options))
        groups.append(
            format_html('<optgroup label="{}">\n{}\n</optgroup>', name, drawn) if name else drawn
        )
    return format_html(
        '<select name="{}"{}>\n{}\n</select>',
        widget["name"],
        attributes(widget["attrs"]),
        format_html_join("\n", "{}", ((group,) for group in groups)),
    )


def textarea(widget: dict[str, Any]) -> SafeString:
    return format_html(
        '<textarea name="{}"{}>\n{}</textarea>',
        widget["name"],
        attributes(widget["attrs"]),
        widget["value"] or "",
    )


def field(widget: dict[str, Any]) -> SafeString:
    """Draw an `input` of any type."""
    value = widget["value"]
    return format_html(
        '<input type="{}" name="{}"{}{}>',
        widget["type"],
        widget["name"],
        "" if value is None else format_html(' value="{}"', str(value)),
        attributes(widget["attrs"]),
    )


def label(label: dict[str, Any]) -> SafeString:
    if not label["use_tag"]:
        return format_html("{}", label["label"])
    tag, attrs = label["tag"], attributes(label["attrs"] or {})
    return format_html("<{}{}>{}</{}>", tag, attrs, label["label"], tag)


DRAWN: dict[str, Drawn] = {
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
