"""Forms that send along what they showed, so that no user overwrites what another saved meanwhile.

What a person did not touch keeps its present value. What two have changed comes back with both
values, of which one is chosen.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core import signing
from django.utils.datastructures import MultiValueDict
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

SALT = "kit.web.shown"
FIELD = "shown"
MINE, THEIRS = "mine", "theirs"


@dataclass(frozen=True)
class Conflict:
    """A field that two users have changed: both values, and how one is chosen."""

    choice: str  # the name of the two radio buttons
    mine: str
    theirs: str
    version: str  # of what was saved meanwhile, so that a choice is of what was seen
    chosen: str = ""

    def __html__(self) -> SafeString:
        offered = [(MINE, "Yours:", self.mine), (THEIRS, "Saved meanwhile:", self.theirs)]
        options = format_html_join(
            "",
            '<label><input type="radio" name="{}" value="{}:{}"{}>'
            "<span><b>{}</b> {}</span></label>",
            (
                (self.choice, value, self.version, is_checked(value == self.chosen), label, words)
                for value, label, words in offered
            ),
        )
        return format_html(
            '<span class="conflict" role="radiogroup" aria-label="Which value is saved">{}</span>',
            options,
        )

    def __str__(self) -> str:  # a template writes a value by its text
        return self.__html__()


def is_checked(value: bool) -> SafeString:
    return SafeString(" checked" if value else "")


class ShownField(forms.CharField):
    """What the form showed, signed, in a hidden field."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class ShownForm(forms.ModelForm):
    """The form of a row that sends along what it showed."""

    data: Any  # while they are merged, a copy that can be written
    stays_when_new = False  # where the rows of a table must have the same fields
    shown = ShownField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conflicts: dict[str, Conflict] = {}
        self.gone: list[str] = []
        if self.instance._state.adding and not self.stays_when_new:
            del self.fields[FIELD]
        elif not self.instance._state.adding:
            self.fields[FIELD].initial = lambda: self.signed({})

    def full_clean(self) -> None:
        if self.is_bound and not self.instance._state.adding:
            self.merge()
        super().full_clean()
        for name, conflict in self.conflicts.items():
            if name not in self.errors:
                self.add_error(name, self.said_of(conflict))
        for label in self.gone:
            self.add_error(
                None,
                forms.ValidationError(
                    "%(label)s cannot be changed here any more. Your value was not saved.",
                    code="changed_meanwhile",
                    params={"label": label},
                ),
            )

    def said_of(self, conflict: Conflict) -> forms.ValidationError:
        return forms.ValidationError(
            "Another user changed this meanwhile. Choose which value is saved.",
            code="changed_meanwhile",
        )

    # --- what was shown ---------------------------------------------------------------------------

    def names(self) -> Iterator[str]:
        """Yield the names of the form's fields that are columns of the row."""
        columns = {field.name for field in self.instance._meta.concrete_fields}
        return (name for name in self.fields if name in columns)

    def present(self, name: str) -> Any:
        return as_sent(self.get_initial_for_field(self.fields[name], name))

    def signed(self, before: dict[str, Any]) -> str:
        """Return what the form shows, signed; `before` is what it showed of fields in conflict."""
        values = {name: before.get(name, self.present(name)) for name in self.names()}
        return signing.dumps([self.row(), values], salt=SALT, compress=True)

    def row(self) -> str:
        return f"{self.instance._meta.label_lower}:{self.instance.pk}"

    def sent_along(self) -> dict[str, Any] | None:
        """Return what the form sent along that it showed, or None if it is not about this row."""
        try:
            row, values = signing.loads(self.data.get(self.add_prefix(FIELD), ""), salt=SALT)
        except signing.BadSignature:
            return None
        return values if row == self.row() else None

    def was(self, name: str, value: Any) -> Any:
        """Return a value that was sent along as the row would have it."""
        column = self.instance._meta.get_field(name)
        return column.to_python(value) if isinstance(value, str) else value

    # --- what becomes of it -----------------------------------------------------------------------

    def merge(self) -> None:
        """Set unchanged fields to the present values, and find those that two users changed."""
        before = self.sent_along() or {}
        self.conflicts, self.gone = {}, []
        self.data = self.own_data()
        for name in [*self.names()] if before else ():
            if name in before:
                self.merge_field(name, before[name])
        for name in before:
            self.miss(name, before[name])
        kept = {name: before[name] for name in self.conflicts} if before else {}
        self.data[self.add_prefix(FIELD)] = self.signed(kept)
        self.__dict__.pop("changed_data", None)  # a table of rows asks for it before

    def own_data(self) -> MultiValueDict:
        """Return a copy of the sent data for this row alone, to be changed."""
        data, mine = self.data, f"{self.prefix}-" if self.prefix else ""
        get = data.getlist if isinstance(data, MultiValueDict) else lambda name: [data[name]]
        return MultiValueDict({name: [*get(name)] for name in data if name.startswith(mine)})

    def merge_field(self, name: str, shown: Any) -> None:
        field, sent, present = self.fields[name], self[name].data, self.present(name)
        if present == shown:
            return
        now = self.get_initial_for_field(field, name)
        if not field.has_changed(self.was(name, shown), sent):
            self.fill(name, now)
            return
        if not field.has_changed(now, sent):
            return
        choice, version = f"{self.add_prefix(name)}-stands", value_digest(present)
        chosen, _, seen = self.data.get(choice, "").partition(":")
        if seen != version or chosen not in (MINE, THEIRS):
            chosen = ""
        mine, theirs = self.words(name, sent), self.words(name, now)
        field.conflict = Conflict(choice, mine, theirs, version, chosen)  # type: ignore[attr-defined]
        if not chosen:
            self.conflicts[name] = field.conflict  # type: ignore[attr-defined]
        elif chosen == THEIRS:
            self.fill(name, now)

    def miss(self, name: str, shown: Any) -> None:
        """Note what was changed in a field that the form no longer has."""
        field = self.base_fields.get(name)
        if not field or name in self.fields:
            return
        place = self.add_prefix(name)
        sent = field.widget.value_from_datadict(self.data, self.files, place)
        if sent is not None and field.has_changed(self.was(name, shown), sent):
            self.gone.append(str(field.label or name.replace("_", " ").capitalize()))

    def fill(self, name: str, value: Any) -> None:
        """Set a value in the sent data, as a browser would have sent it."""
        field, place = self.fields[name], self.add_prefix(name)
        widget: Any = field.widget
        value = field.prepare_value(value)
        for part in [part for part in self.data if part == place or part.startswith(f"{place}_")]:
            if part == place or part.removeprefix(f"{place}_").isdigit():
                del self.data[part]
        if isinstance(widget, forms.MultiWidget):
            several: Any = widget
            parts = zip(
                several.widgets_names, several.widgets, several.decompress(value), strict=True
            )
            for suffix, each, part in parts:
                self.put(place + suffix, each.format_value(part))
        elif isinstance(widget, forms.CheckboxInput):
            if value:
                self.data[place] = "on"
        else:
            self.put(place, [str(each) for each in value or ()]
                     if isinstance(value, list) else widget.format_value(value))  # fmt: skip

    def put(self, place: str, value: Any) -> None:
        if isinstance(value, list):
            self.data.setlist(place, value)
        else:
            self.data[place] = "" if value is None else str(value)

    def words(self, name: str, value: Any) -> str:
        """Return a value of a field in words: the labels of what is chosen, or the text."""
        return value_in_words(self.fields[name], value)


def value_in_words(field: Any, value: Any) -> str:
    values: list[Any] = [*value] if isinstance(value, list | tuple) else [value]
    chosen = [str(each) for each in values if each not in ("", "None")]
    if getattr(field, "queryset", None) is not None:
        try:
            rows = field.queryset.filter(pk__in=chosen)
            labels = [field.label_from_instance(row) for row in rows]
        except (ValueError, forms.ValidationError):
            labels = chosen
    elif hasattr(field, "choices"):
        known = {str(key): str(label) for key, label in field.choices}
        labels = [known.get(each, each) for each in chosen]
    elif isinstance(value, datetime):
        return f"{localtime(value):%Y-%m-%d %H:%M:%S %Z}"
    elif isinstance(field.widget, forms.MultiWidget):
        labels = [" ".join(chosen)]
    else:
        labels = [str(field.prepare_value(value) or "") if value is not None else ""]
    return ", ".join(filter(None, labels)) or "nothing"


def as_sent(value: Any) -> Any:
    """Return a value as the form sends it: values of JSON as they are, the rest as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return json.loads(json.dumps(value, default=str))


def value_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
