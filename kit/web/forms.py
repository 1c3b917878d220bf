"""Form fields for the contract's text and JSON: what was not edited stays as it was."""

import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

ODD_ITEM = "json: "


class TextField(forms.CharField):
    """Text as a browser returns it: other line ends and outer blanks are no change."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace("\r\n", "\n")
        return super().to_python(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


class LinesField(forms.Field):
    """A JSON array of strings, edited as one item per line.

    An item that is not one plain line (a number, an object, a text of two lines) is shown as
    `json: ...` and so survives the editing of the others.
    """

    widget = AdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return "\n".join(line(item) for item in (value if isinstance(value, list) else [value]))

    def to_python(self, value: Any) -> list[Any]:
        text = value or ""
        if "\0" in text:
            raise ValidationError("Null characters are not allowed.", code="null_characters")
        lines = enumerate(map(str.strip, text.splitlines()), 1)
        return [item(line, number) for number, line in lines if line]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(self.prepare_value(initial)), data)


def line(item: Any) -> str:
    plain = (
        isinstance(item, str)
        and item.splitlines() == [item.strip()]
        and not item.startswith(ODD_ITEM)
    )
    return item if plain else ODD_ITEM + json.dumps(item, ensure_ascii=False)


def item(line: str, number: int) -> Any:
    if not line.startswith(ODD_ITEM):
        return line
    try:
        return storable(json.loads(line.removeprefix(ODD_ITEM)))
    except (ValueError, RecursionError) as error:
        raise ValidationError(
            "Line %(number)d is not valid JSON after “json:”.", params={"number": number}
        ) from error


class ObjectField(forms.JSONField):
    """A JSON object, indented, that PostgreSQL can store. Empty means {}."""

    widget = AdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2, cls=self.encoder)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return InvalidJSONInput(data or "")  # what was typed is shown as it was typed

    def to_python(self, value: Any) -> Any:
        try:
            document = storable(super().to_python(value))
        except (ValueError, RecursionError) as error:
            raise ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": value}
            ) from error
        if document is None:
            return {}
        if not isinstance(document, dict):
            raise ValidationError('Enter a JSON object: {"name": value, …}.', code="not_an_object")
        return document


def storable(document: Any) -> Any:
    """Return the document if jsonb can hold it: no NaN, no infinity, no NUL, no lone surrogate."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    text.encode()
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("NUL cannot be stored.")
    return document
