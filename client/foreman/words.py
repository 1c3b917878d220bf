"""What the office answers, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from foreman.errors import Refused, words_of_error
from foreman.outbox import Outcome, counted
from foreman.spool import Aside, Message

MOST_NAMES = 10
ADDRESS = "{}{}".format


def of_report(outcome: Outcome) -> str:
    """Return how a reported run ended, and what changed."""
    if outcome.refused:
        return f"The office refused the report: {outcome.refused}"
    if outcome.answer is None:
        return f"{outcome.trouble} The report is kept, and sent when the office is back."
    run = outcome.answer
    if "qa_status" not in run:
        return "The report was sent."
    lines = [
        f"Reported: {run['qa_status']}, {run['passing_tests']} of {run['total_tests']} tests pass."
    ]
    changes = run.get("changes", {})
    for name in ("newly_failing", "fixed", "removed", "newly_skipped"):
        lines += _names(name.replace("_", " ").capitalize(), changes.get(name) or [])
    lines += [f"Not green because: {each}" for each in run.get("against", [])]
    lines += [f"Note: {each}" for each in run.get("remarks", [])]
    if run.get("task_state") == "blocked":
        lines.append("The task is blocked now.")
    return "\n".join(lines)


def _names(title: str, names: Sequence[str]) -> list[str]:
    shown = [f"  {name}" for name in names[:MOST_NAMES]]
    more = len(names) - len(shown)
    return [f"{title}:", *shown, *([f"  and {more} more"] if more else [])] if names else []


def of_refusal(refused: Refused, url: str) -> str:
    """Return why the office refused, with what meets each unmet condition and where."""
    if not refused.unmet:
        return f"Refused: {'; '.join(map(words_of_error, refused.errors))}"
    return "\n".join(["Refused. What is missing:", *of_conditions(refused.unmet, url)])


def of_conditions(conditions: Iterable[Mapping[str, Any]], url: str) -> list[str]:
    lines = []
    for each in conditions:
        mark = "x" if each["met"] else " "
        lines.append(f"  [{mark}] {each['rule']}: {each['detail'] or each['words']}")
        if not each["met"] and each.get("remedy"):
            lines.append(f"      To do: {each['remedy']}")
            if each.get("remedy_path"):
                lines.append(f"      Page: {ADDRESS(url, each['remedy_path'])}")
    return lines


def of_task(task: Mapping[str, Any]) -> list[str]:
    """Return the instruction of a task."""
    lines = [
        f"{task['name']}  ({task['state']}, {task['progress_percentage']} %)",
        f"  task:         {task['task_id']}",
        f"  program:      {task['program']['name']}, {task['wave']['name']}",
        f"  architecture: {task['architecture']['reference']}",
        f"  suite:        {task['suite']['location']}",
        "",
        task["instruction"],
    ]
    if task["acceptance_criteria"]:
        lines += ["", "Acceptance criteria:"]
        lines += [f"  - {each}" for each in task["acceptance_criteria"]]
    failing = [each["name"] for each in task["suite"]["failing"]]
    if failing:
        lines += ["", *_names("Failing tests", failing)]
    lines += ["", "Notes:"] if task.get("notes") else []
    for note in task.get("notes") or []:
        lines += [f"  {note['written_by']}: {line}" for line in note["text"].splitlines()]
    for asked in task.get("questions") or []:
        lines += ["", *of_question(asked)]
    if task["open_blockers"]:
        lines += ["", "Open blockers:"]
        lines += [
            f"  - {each['classification']}: {each['description']}" for each in task["open_blockers"]
        ]
    return lines


def of_question(asked: Mapping[str, Any]) -> list[str]:
    """Return a question to the foreman, and the answer."""
    if asked["state"] == "open":
        return [f"Asked: {asked['question']}", "It waits for an answer of the foreman."]
    if asked["state"] == "withdrawn":
        return [f"Withdrawn: {asked['question']}", f"  {asked['withdrawn_because']}"]
    said = [each for each in (asked["option"], asked["text"]) if each]
    return [f"Question: {asked['question']}", f"  Answer: {'. '.join(said)}"]


def of_spool(waiting: Sequence[Message], aside: Sequence[Aside]) -> list[str]:
    lines = [f"Kept for later: {counted([*waiting])}."] if waiting else []
    for each in aside:
        lines.append(f"Refused by the office: {each.about}: {each.reason} ({each.file})")
    return lines
