"""Moments in forms: a local time with its distance from UTC, so that no hour is ambiguous."""

from datetime import datetime, time, tzinfo
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import ValidationError
from django.utils.timezone import get_current_timezone, localtime, now

BY_HAND = "Enter a time such as 14:30:00, or 14:30:00+02:00 with its distance from UTC."


def this_second() -> datetime:
    return now().replace(microsecond=0)


class ClockField(forms.TimeField):
    """A time of day, with or without its distance from UTC."""

    def to_python(self, value: Any) -> time | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            return time.fromisoformat(text)
        except ValueError as error:
            raise ValidationError(BY_HAND, code="invalid") from error


class MomentWidget(AdminSplitDateTime):
    """A date, and a time with its distance from UTC, to the microsecond."""

    supports_microseconds = True

    def decompress(self, value: datetime | None) -> list[Any]:  # type: ignore[override]
        if not value:
            return [None, None]
        there = localtime(value)
        return [there.date(), there.timetz().replace(tzinfo=None).isoformat() + offset(there)]


class MomentField(forms.SplitDateTimeField):
    """A moment in the user's zone. What was not edited is the same to the microsecond."""

    widget = MomentWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = (self.fields[0], ClockField(required=False))
        self.fields[1].widget = self.widget.widgets[1]

    def compress(self, data_list: list[Any]) -> datetime | None:  # type: ignore[override]
        if not data_list:
            return None
        day, clock = data_list
        if day is None or clock is None:
            raise ValidationError("Enter both a date and a time.", code="invalid")
        moment = datetime.combine(day, clock)
        return moment if moment.tzinfo else in_zone(moment, get_current_timezone())

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.clean(data) != initial
        except ValidationError:
            return True


def offset(moment: datetime) -> str:
    return moment.strftime("%:z")


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return a local time with its zone; refuse one that the clock shows twice or never."""
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    here = f"{moment:%H:%M:%S}"
    if first.utcoffset() > second.utcoffset():  # type: ignore[operator]
        raise ValidationError(
            "That hour is repeated on that day. Enter %(first)s or %(second)s.",
            code="repeated_hour",
            params={"first": here + offset(first), "second": here + offset(second)},
        )
    raise ValidationError("The clocks skip that time on that day.", code="skipped_hour")
