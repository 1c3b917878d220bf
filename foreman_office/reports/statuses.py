"""The outcomes behind the words that runners use for how a test ended."""

from collections.abc import Mapping

from foreman_office.reports.results import Outcome

PASSING = {
    "pass", "passed", "passing", "ok", "success", "successful", "succeeded", "true", "run",
    "completed", "complete", "executed", "done", "warning", "passedbutrunaborted",
}  # fmt: skip
FAILING = {
    "fail", "failed", "failing", "failure", "error", "errored", "broken", "crash", "crashed",
    "abort", "aborted", "timeout", "timedout", "fatal", "ko", "notok", "unsuccessful",
    "cancelled", "canceled", "interrupted", "disconnected", "invalid", "panic", "unexpected",
    "cancellation",
}  # fmt: skip
PUT_OFF = {
    "skip", "skipped", "notrun", "notexecuted", "notrunnable", "disabled", "ignore",
    "ignored", "pending", "todo", "undefined", "untested", "inconclusive", "incomplete",
    "suppressed", "excluded", "deselected", "explicit", "other",
}  # fmt: skip
# Attributes of a test or a suite that say how it ended, beside or instead of elements in it.
WORDED = ("status", "result", "outcome", "state")
COUNTED = ("failure", "failures", "failed", "error", "errors")
STATUS_ATTRIBUTES = frozenset({*WORDED, *COUNTED, "success", "executed"})
LONGEST = 100
NOTHING = frozenset({"", "0", "false", "none", "null", "no"})


def meaning(word: str) -> Outcome | None:
    """Return the outcome that a word names; None if it is not known."""
    plain = "".join(filter(str.isalnum, word[:LONGEST].lower()))
    if plain in PASSING:
        return Outcome.PASSED
    if plain in FAILING:
        return Outcome.FAILED
    return Outcome.SKIPPED if plain in PUT_OFF else None


def outcome_of(attrs: Mapping[str, str]) -> tuple[Outcome | None, str]:
    """Return the worst outcome that attributes of a test name, and the words that name it.

    The outcome is None where they name none; words without an outcome are not known.
    """
    found: dict[Outcome, str] = {}
    strange = ""
    for key in WORDED:
        if not (word := attrs.get(key, "")):
            continue
        if outcome := meaning(word):
            found.setdefault(outcome, f"{key} “{word[:LONGEST]}”")
        else:
            strange = f"{key} “{word[:LONGEST]}”"
    if attrs.get("success", "").lower() == "false":
        found.setdefault(Outcome.FAILED, "success “false”")
    if attrs.get("executed", "").lower() == "false":
        found[Outcome.SKIPPED] = "executed “false”"
    for key in COUNTED:
        if attrs.get(key, "").strip().lower() not in NOTHING:
            found.setdefault(Outcome.FAILED, f"{key} “{attrs[key][:LONGEST]}”")
    for outcome in (Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED):
        if outcome in found:
            return outcome, found[outcome]
    return None, strange
