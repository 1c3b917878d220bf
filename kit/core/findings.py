"""Findings of the office's system checks: a number, what each is about, and a sentence."""

from django.core.checks import Error, Warning

TAG = "foreman"


def fault(number: int, about: str, sentence: str) -> Error:
    """Return a finding about something unsafe or broken."""
    return Error(sentence, obj=about, id=f"{TAG}.E{number:03}")


def warning(number: int, about: str, sentence: str) -> Warning:
    """Return a finding about something that works, but not as one may expect."""
    return Warning(sentence, obj=about, id=f"{TAG}.W{number:03}")
