"""The forms of records in the admin."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html

from kit.core.acts import Refused
from kit.core.bounds import is_ahead
from kit.core.sql import ContractNow
from kit.web.admin.corrections import refusal_text
from kit.web.forms import TextField
from kit.web.moments import MomentField, MomentWidget, this_second
from kit.web.shown import Conflict, ShownForm


class TextFields(admin.options.BaseModelAdmin):
    """Text as text: long where `prose` names it, otherwise a line that grows."""

    prose: tuple[str, ...] = ()

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if isinstance(db_field, models.TextField) and not db_field.choices:
            long = db_field.name in self.prose
            kwargs |= {
                "form_class": TextField,
                "empty_value": None if db_field.null else "",
                "widget": forms.Textarea({"class": "vLargeTextField", "rows": 6 if long else 1}),
            }
        if isinstance(db_field, models.DateTimeField):
            kwargs.update(form_class=MomentField, widget=MomentWidget)
        if db_field.has_db_default():
            default = db_field.db_default
            kwargs.setdefault(
                "initial", this_second if isinstance(default, ContractNow) else default
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class CorrectionForm(ShownForm):
    """The form of a record. If two users changed one field, its error asks which value to keep.

    A record tells what has happened: no time that is entered lies in the future.
    """

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for name in self.changed_data:
            moment = self.cleaned_data.get(name)
            if isinstance(moment, datetime) and is_ahead(moment):
                words = "This time is in the future, by the office's clock."
                self.add_error(name, ValidationError(words, code="in_the_future"))
        return cleaned

    def said_of(self, conflict: Conflict) -> ValidationError:
        [words] = super().said_of(conflict).messages
        return ValidationError(format_html("{} {}", words, conflict), code="changed_meanwhile")


class GovernedForm(CorrectionForm):
    """The form of a correction: a governed column needs a reason; refusals are its errors."""

    governed: tuple[str, ...] = ()
    # What is no override, and yet is changed only for a reason: a name, criteria, a date.
    explained: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()  # columns that follow from the fields: the form sets them
    asks_reason = ""  # what else asks for a reason, by the database
    refused: Refused | None = None

    reason = TextField(
        required=False,
        widget=forms.Textarea({"class": "vLargeTextField", "rows": 2}),
        help_text="Kept in the evidence.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        explained = () if self.instance._state.adding else self.explained
        if words := [
            label_words(self[name]) for name in (*self.governed, *explained) if name in self.fields
        ]:
            self.fields[
                "reason"
            ].help_text = (
                f"Kept in the evidence. Required to change {or_words(words)}.{self.asks_reason}"
            )
        elif self.asks_reason:
            self.fields["reason"].help_text = f"Kept in the evidence.{self.asks_reason}"

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        adding = self.instance._state.adding
        asking = self.governed if adding else (*self.governed, *self.explained)
        asked = [name for name in self.changed_data if name in asking]
        if asked and not self.cleaned_data.get("reason"):
            what = "an override" if adding else "a correction"
            self.add_error(
                "reason", ValidationError(f"Enter a reason: this is {what}.", code="required")
            )
        if self.refused:
            place = "reason" if self.refused.rule.endswith("_reason") else None
            words = refusal_text(self.refused)
            self.add_error(place, ValidationError(words, code=self.refused.rule))
        return cleaned


def label_words(field: forms.BoundField) -> str:
    """Return the label of a field within a sentence: “QA suite location” keeps its capitals."""
    label = str(field.label)
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def or_words(words: list[str]) -> str:
    """Return alternatives in words: a, b or c."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


class GovernedInlineForm(CorrectionForm):
    """A row of an inline: constraints are checked only for rows that were edited."""

    stays_when_new = True

    def validate_constraints(self) -> None:
        if self.has_changed():
            super().validate_constraints()


class GovernedInlineFormSet(forms.BaseInlineFormSet):
    """Rows are found by their keys in one query; Django's own key field queries each one again.

    What is changed of rows that exist is a correction, for the reason that the page asks.
    """

    def clean(self) -> None:
        super().clean()
        changed = any(form.has_changed() and not form.instance._state.adding for form in self.forms)
        if changed and not self.data.get("reason", "").strip():
            raise ValidationError("Enter a reason: this is a correction.", code="required")

    def add_fields(self, form: forms.ModelForm, index: int | None) -> None:
        super().add_fields(form, index)
        key = form._meta.model._meta.pk.name
        form.fields[key] = forms.UUIDField(
            required=False, initial=form.fields[key].initial, widget=forms.HiddenInput
        )
