"""The forms that meet the conditions of a task: a validation, a run, the evidence location."""

from collections.abc import Iterator
from typing import Any

from django import forms

from foreman_office.checklists import split_item, usual_items
from foreman_office.reports import (
    MAX_BYTES,
    Lint,
    SuiteReport,
    Unreadable,
    from_counts,
    read_report,
)
from kit.web.forms import LinesField, TextField
from kit.web.large import one_at_a_time
from programs.models import Task

MAX_ITEMS = 500
MAX_ITEM = 1_000  # characters, as in the API
LARGEST = 1_000_000


class DescribedForm(forms.Form):
    """A form whose fields refer to their help and errors for screen readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            place = self[name].auto_id
            helped = f"{place}_helptext " if field.help_text else ""
            field.widget.attrs["aria-describedby"] = f"{helped}{place}_error"


class ItemLines(LinesField):
    """Further items of a checklist, one a line."""

    widget = forms.Textarea({"rows": 2})

    def to_python(self, value: Any) -> list[Any]:
        lines = [str(line) for line in super().to_python(value)]
        if any(len(line) > MAX_ITEM for line in lines):
            message = f"An item may have at most {MAX_ITEM} characters."
            raise forms.ValidationError(message, code="max_length")
        return lines


class ValidationForm(DescribedForm):
    """The usual items of the program, each to be ticked, and room for more."""

    further_passed = ItemLines(
        label="Further items that pass",
        required=False,
        help_text="One item per line, with its section: “Interfaces: named”.",
    )
    further_failed = ItemLines(label="Further items that do not pass", required=False)

    def __init__(self, task: Task, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.usual = usual_items(task.wave.program)
        items = {
            self.name_of(number): forms.BooleanField(label=item, required=False)
            for number, (_, item) in enumerate(self.usual)
        }
        self.fields = {**items, **self.fields}

    @staticmethod
    def name_of(number: int) -> str:
        return f"item-{number}"

    @property
    def sections(self) -> Iterator[tuple[str, list[Any]]]:
        """Return the usual items as fields, section by section."""
        found: dict[str, list[Any]] = {}
        for number, (section, _) in enumerate(self.usual):
            found.setdefault(section, []).append(self[self.name_of(number)])
        yield from found.items()

    @property
    def further(self) -> list[Any]:
        return [self["further_passed"], self["further_failed"]]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        judged = [
            *((pair, cleaned[self.name_of(place)]) for place, pair in enumerate(self.usual)),
            *((split_item(line), True) for line in cleaned.get("further_passed", [])),
            *((split_item(line), False) for line in cleaned.get("further_failed", [])),
        ]
        if len({pair for pair, _ in judged}) < len(judged):
            raise forms.ValidationError("An item is named twice.", code="items_named_once")
        if len(judged) > MAX_ITEMS:
            message = f"A checklist may have at most {MAX_ITEMS} items."
            raise forms.ValidationError(message, code="too_many_items")
        results: dict[str, dict[str, bool]] = {}
        for (section, item), passed in judged:
            results.setdefault(section, {})[item] = passed
        return {"validation_results": results}


def count(label: str, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=LARGEST, **more)


class ReportForm(DescribedForm):
    """A run of the task's suite: the report of its runner, or the counts."""

    report = forms.FileField(
        label="Report",
        required=False,
        help_text="JUnit XML as any test runner writes it, NUnit, xUnit.net, TRX, TAP, CTRF or"
        f" go test -json; at most {MAX_BYTES // 1024 // 1024} MiB.",
    )
    passing = count("Passing", help_text="Without a report: how many tests pass.")
    failing = count("Failing")
    skipped = count("Skipped")
    test_debt_count = count("Test debt", help_text="Stubbed or expected-fail tests.")
    exit_code = forms.IntegerField(
        label="Exit code",
        required=False,
        min_value=-(2**31),
        max_value=2**32 - 1,
        help_text="What the runner ended with. A run with another than 0 is not green.",
    )
    lint = forms.ChoiceField(
        label="Linter",
        required=False,
        choices=[
            ("", "no linter, or one that the office knows"),
            (Lint.RULE_FILE, "one test for each rule and file"),
            (Lint.ONE, "one test in all"),
        ],
    )

    def clean(self) -> dict[str, Any]:
        if self.errors:
            return self.cleaned_data
        given = self.cleaned_data
        counts = {name: given[name] for name in ("passing", "failing", "skipped")}
        counted = any(number is not None for number in counts.values())
        if bool(given["report"]) == counted:
            message = "Choose a report, or enter the counts; not both."
            raise forms.ValidationError(message, code="report_or_counts")
        debt = given["test_debt_count"] or 0
        if counted:
            numbers = {name: number or 0 for name, number in counts.items()}
            report = from_counts(**numbers, test_debt_count=debt, exit_code=given["exit_code"])
        else:
            report = self.read_report()
        return {"report": report, "test_debt_count": debt}

    def read_report(self) -> SuiteReport:
        """Read the file as bytes; an error in it is shown at its field."""
        file, lint = self.cleaned_data["report"], self.cleaned_data["lint"]
        if file.size > MAX_BYTES:
            message = f"The report is larger than {MAX_BYTES // 1024 // 1024} MiB."
            raise forms.ValidationError({"report": message})
        try:
            with one_at_a_time(file.size):
                return read_report(
                    file.read(),
                    lint=Lint(lint) if lint else None,
                    exit_code=self.cleaned_data["exit_code"],
                )
        except Unreadable as unreadable:
            raise forms.ValidationError({"report": str(unreadable)}) from None


class EvidenceForm(DescribedForm):
    evidence_location = TextField(
        label="Evidence location",
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="A path or a URL: where the proof of the work is.",
    )
