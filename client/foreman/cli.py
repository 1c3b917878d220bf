"""The command `foreman`: its options, and what each subcommand prints."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from foreman import hooks, words
from foreman.builder import LONGEST_POLL, Builder, tell_on_stderr
from foreman.config import Account, account, checked_token, save
from foreman.errors import ForemanError, Invalid, NoTask, NotLoggedIn, Refused, Unreachable
from foreman.office import VERSION, checked_address
from foreman.outbox import Outcome
from foreman.parser import make_parser
from foreman.reports import read_report
from foreman.running import Options, Run

BETWEEN_PULLS = 15.0  # seconds
TAKE_TEXT = {"ask", "escalate", "note"}  # which may begin with a dash, after --
AGAIN = 5.0  # seconds until the next question where the office does not keep one waiting


def main(argv: Sequence[str] | None = None) -> None:
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Execute a command line and return the exit status."""
    given, command = list(argv), []
    if "--" in given and given[0] not in TAKE_TEXT:
        place = given.index("--")
        given, command = given[:place], given[place + 1 :]
    parser = make_parser(VERSION)
    options = parser.parse_args(given)
    if command and options.command != "run":
        parser.error("only `foreman run` takes a command after --")
    options.words = command or getattr(options, "words", [])
    try:
        return int(COMMANDS[options.command](options) or 0)
    except ForemanError as error:
        show_error(error, options)
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def show(options: argparse.Namespace, said: dict[str, Any], lines: Sequence[str]) -> None:
    """Print an answer: as one object of JSON, or for people."""
    sys.stdout.write(f"{json.dumps(said) if options.json else chr(10).join(lines)}\n")


def show_error(error: ForemanError, options: argparse.Namespace) -> None:
    if options.json:
        show(options, {**error.as_json(), "exit_status": error.exit_status}, [])
    elif isinstance(error, Refused):
        tell_on_stderr(words.of_refusal(error, address()))
    else:
        tell_on_stderr(str(error))


def address() -> str:
    try:
        return account().url
    except ForemanError:
        return ""


def builder_of(options: argparse.Namespace) -> Builder:
    patience = -1 if options.patience is None else options.patience
    return Builder.of_this_machine(patience=patience)


def show_outcome(options: argparse.Namespace, outcome: Outcome, lines: Sequence[str]) -> int:
    """Print what became of a heartbeat or report; what is kept is no failure."""
    if outcome.refused:
        raise outcome.refused
    if isinstance(outcome.trouble, Refused):
        tell_on_stderr("It is kept, and sent after the next `foreman login`.")
        raise outcome.trouble
    show(options, {"kept": outcome.kept, "answer": outcome.answer}, lines)
    return 0


# --- the commands ---------------------------------------------------------------------------------


def login(options: argparse.Namespace) -> int:
    is_person = sys.stdin.isatty()
    url = options.url or os.environ.get("FOREMAN_URL") or ""
    if not url and is_person:
        sys.stderr.write("Address of the office: ")
        url = sys.stdin.readline().strip()
    token = options.token or os.environ.get("FOREMAN_TOKEN") or ""
    if not token:
        token = getpass("Token: ") if is_person else sys.stdin.readline()
    if not url or not token.strip():
        raise NotLoggedIn("An address and a token are needed: foreman login URL < FILE_WITH_TOKEN")
    given = Account(checked_address(url), checked_token(token))
    parts = urlsplit(given.url)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        tell_on_stderr("This address has no TLS: the token can be read on its way.")
    builder = Builder(given)
    identity = builder.identify()
    if builder.away:
        raise builder.away  # that the token was valid once says nothing now
    file = save(given)
    who = "a CI token" if identity.is_ci else identity.name
    said = {"url": given.url, "builder_id": None if identity.is_ci else identity.name}
    show(options, said, [f"Logged in at {given.url} as {who}. The token is kept in {file}."])
    return 0


def next_task(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    deadline, told, asked = time.monotonic() + options.wait, False, 0
    while True:
        began = time.monotonic()
        # The first question only finds out whether there is something to wait for.
        left = deadline - began
        try:
            task = builder.pull() if options.pull else None
            # What becomes ready is told to nobody: it is asked for again.
            longest = min(left, BETWEEN_PULLS) if options.pull else left
            task = task or builder.assignment(wait=longest if asked else 0)
        except Unreachable as away:
            if left <= 0:
                raise
            if not told:
                tell_on_stderr(f"{away} It is asked again.")
            task, told = None, True
        if task:
            show(options, {"task": task}, words.of_task(task))
            return 0
        left = deadline - time.monotonic()
        asked += 1
        if left <= 0:
            name = builder.identity.name if builder.identity else "The builder"
            raise NoTask(f"{name} has no task.")
        if builder.identity:  # a builder that waits is alive
            builder.beat("idle", "Waiting for work", within=int(2 * LONGEST_POLL))
        # An office that is full, or older than waiting is, answers at once.
        if asked > 1 and time.monotonic() - began < AGAIN:
            time.sleep(min(AGAIN, left))


def beat(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    identity = builder.identify()
    task = options.task or os.environ.get("FOREMAN_TASK") or identity.task_id
    told = {
        "input_tokens": options.tokens_in,
        "output_tokens": options.tokens_out,
        "cache_read_tokens": options.tokens_cached,
        "cost_usd": options.cost,
    }
    usage = {name: value for name, value in told.items() if value}
    if usage and options.model:
        usage["model"] = options.model
    outcome = builder.beat(
        options.status,
        options.message,
        options.progress,
        options.within,
        task_id=task,
        usage=usage,
    )
    if outcome.kept:
        return show_outcome(options, outcome, [f"{outcome.trouble} The heartbeat is kept."])
    answer = outcome.answer or {}
    lines = [
        f"Heartbeat of {identity.name} taken"
        + (f" about “{identity.task_name}”." if task and task == identity.task_id else ".")
    ]
    if answer.get("interval_seconds"):
        lines.append(f"The next one is due within {answer['interval_seconds']} s.")
    if answer.get("clock"):
        lines.append(answer["clock"])
    for each in answer.get("answers") or []:
        lines += words.of_question({**each, "state": "answered"})
    return show_outcome(options, outcome, lines)


def run_command(options: argparse.Namespace) -> int:
    if not options.words:
        raise Invalid("No command was given: foreman run -- pytest")
    parameters = {"test_debt_count": options.debt, "lint": options.lint}
    asked = Options(options.every, options.report, options.task, options.message, parameters)
    made = Run(builder_of(options), options.words, asked)
    status = made.to_its_end()
    if options.json and made.reported:
        # Standard output is the command's.
        said = {"exit_status": status, "kept": made.reported.kept, "answer": made.reported.answer}
        sys.stderr.write(f"{json.dumps(said)}\n")
    return status


def report(options: argparse.Namespace) -> int:
    found = read_report([Path(name) for name in options.files])
    builder = builder_of(options)
    if not (options.task or os.environ.get("FOREMAN_TASK")):
        builder.identify()
    parameters = {
        "exit_code": options.exit_code,
        "test_debt_count": options.debt,
        "lint": options.lint,
    }
    outcome = builder.report(builder.task_id(options.task), found, parameters)
    return show_outcome(options, outcome, [words.of_report(outcome)])


def validate(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    if not options.task:
        builder.identify()
    task_id = builder.task_id(options.task)
    if not options.items and not options.file and options.rest is None:
        checklist = builder.office.get(f"/api/tasks/{task_id}")["checklist"]
        lines = [f"{section}: {item}" for section, items in checklist.items() for item in items]
        show(options, {"checklist": checklist}, lines)
        return 0
    results = given_results(options)
    if options.rest is not None:
        checklist = builder.office.get(f"/api/tasks/{task_id}")["checklist"]
        for section, items in checklist.items():
            for item in items:
                results.setdefault(section, {}).setdefault(item, options.rest)
    answer = builder.validate(task_id, results)
    lines = [f"Validated: {answer['build_readiness']}, {answer['pass_rate']:g} % pass."]
    lines += [f"  failed: {each}" for each in answer["failed_items"]]
    show(options, answer, lines)
    return 0


def given_results(options: argparse.Namespace) -> dict[str, dict[str, bool]]:
    results: dict[str, dict[str, bool]] = {}
    if options.file:
        try:
            text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text()
            told = json.loads(text)
            results = told.get("validation_results", told)
        except (OSError, ValueError, AttributeError) as error:
            raise Invalid(f"{options.file} cannot be read as JSON: {error}") from error
    for section, item, passed in options.items:
        results.setdefault(section, {})[item] = passed
    return results


def escalate(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    builder.identify()
    answer = builder.escalate(
        builder.task_id(options.task),
        options.classification,
        options.description,
        options.attempt,
        options.last_error,
    )
    show(options, answer, [f"Escalated. The task is {answer['task_state']} until it is resolved."])
    return 0


def link(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    builder.identify()
    task_id = builder.task_id(options.task)
    answer = builder.link(task_id, options.kind, options.url, options.label)
    show(options, answer, [f"Added: {answer['kind']} {answer['url']}"])
    return 0


def note(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    builder.identify()
    show(options, builder.note(builder.task_id(options.task), options.text), ["Noted."])
    return 0


def ask(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    builder.identify()
    task_id = builder.task_id(options.task)
    asked = builder.ask(task_id, options.question, options.option)
    if options.wait > 0:
        asked = builder.answer_to(asked, task_id, options.wait)
    show(options, asked, words.of_question(asked))
    return 0


def claim(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    builder.identify()
    answer = builder.claim(builder.task_id(options.task), options.evidence)
    show(options, answer, ["The claim is accepted: the task is completed."])
    return 0


def status(options: argparse.Namespace) -> int:
    builder = builder_of(options)
    url = builder.account.url
    try:
        identity = builder.identify()
    except Unreachable as away:
        builder.away, identity = away, None
    if identity is None:
        raise builder.away or Unreachable("The office cannot be reached.")
    builder.outbox.flush(0)
    task = builder.told
    waiting, aside = builder.outbox.waiting(), builder.outbox.spool.refused()
    lines = [f"Office:  {url}", f"Builder: {identity.name}"]
    if builder.away:
        lines.append(str(builder.away))
    if task:
        lines += ["", *words.of_task(task), "", "Completion:"]
        lines += words.of_conditions(task["completion"], url)
    elif not builder.away and not identity.is_ci:
        lines.append("Task:    none")
    said = {
        "url": url,
        "builder_id": None if identity.is_ci else identity.name,
        "reachable": builder.away is None,
        "task": task,
        "kept": [{"kind": each.kind, "about": each.about} for each in waiting],
        "refused": [{**each._asdict(), "file": str(each.file)} for each in aside],
    }
    show(options, said, [*lines, *words.of_spool(waiting, aside)])
    return 0 if not builder.away else builder.away.exit_status


def mcp(options: argparse.Namespace) -> int:
    try:
        from foreman.mcp_server import serve
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "foreman":
            raise
        raise ForemanError(
            f"foreman mcp needs the package {missing.name}, which neither client.pyz nor the plain"
            " client has: install the client with its extra, pip install './client[mcp]'."
        ) from missing
    serve(lambda: builder_of(options))
    return 0


def hook(options: argparse.Namespace) -> int:
    answer = hooks.pass_on(builder_of(options).office, options.agent, sys.stdin.buffer.read())
    sys.stdout.write(f"{json.dumps(answer)}\n")
    return 0


def install_hooks(options: argparse.Namespace) -> int:
    url = account().url if options.http else ""
    said, lines = hooks.install(options.agent, options.user, url, options.yes)
    show(options, said, lines)
    return 0


COMMANDS = {
    "login": login,
    "next": next_task,
    "beat": beat,
    "run": run_command,
    "report": report,
    "validate": validate,
    "escalate": escalate,
    "ask": ask,
    "link": link,
    "note": note,
    "claim": claim,
    "status": status,
    "mcp": mcp,
    "hook": hook,
    "hooks": install_hooks,
}
