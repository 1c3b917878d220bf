"""The command line of `foreman`."""

from __future__ import annotations

import argparse

from foreman.hooks import AGENTS

PASSES = {"pass": True, "yes": True, "true": True, "fail": False, "no": False, "false": False}
CLASSIFICATIONS = (
    "architecture_qa_mismatch",
    "impossible_requirements",
    "protected_path",
    "repeated_failures",
    "constitutional_violation",
)
MOST_TOKENS = 10**15  # and as many dollars: what an office takes


def passes(text: str) -> bool:
    try:
        return PASSES[text.lower()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"“{text}” is neither pass nor fail") from None


def checked_item(text: str) -> tuple[str, str, bool]:
    """Return an item of a validation: its section, its name, and whether it passes."""
    name, equals, result = text.rpartition("=")
    section, colon, item = name.partition(":")
    if not equals or not colon or not section.strip() or not item.strip():
        raise argparse.ArgumentTypeError(f"“{text}” is not like “SECTION: ITEM=pass”")
    return section.strip(), item.strip(), passes(result)


def percentage(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number from 0 to 100")
    return int(text)


def count(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_TOKENS:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of tokens")
    return int(text)


def dollars(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1
    if not 0 <= found <= MOST_TOKENS:
        raise argparse.ArgumentTypeError(f"“{text}” is not an amount of US dollars")
    return found


def make_parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="foreman", description="Report to a Foreman Office as a builder."
    )
    parser.add_argument("--version", action="version", version=f"foreman {version}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one object of JSON")
    common.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        help="how long to try to reach the office before heartbeats and reports are kept",
    )
    of_task = argparse.ArgumentParser(add_help=False)
    of_task.add_argument("--task", metavar="ID", help="another task than the assigned one")
    runs = argparse.ArgumentParser(add_help=False)
    runs.add_argument("--debt", type=int, metavar="N", help="the test debt of the suite")
    runs.add_argument("--lint", choices=["rule-file", "one"], help="how findings are counted")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, words: str, *more: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=words, description=words.capitalize() + ".", parents=[common, *more]
        )

    login = add("login", "check an address and a token, and keep them")
    login.add_argument("url", nargs="?", metavar="URL", help="the address of the office")
    login.add_argument("--token", help="the token; better on standard input or when asked for")

    after = add("next", "print the assigned task, or wait for one")
    after.add_argument(
        "--wait", type=float, nargs="?", const=60, default=0, metavar="SECONDS",
        help="wait so long for a task (60 without a number)",
    )  # fmt: skip

    after.add_argument(
        "--pull", action="store_true", help="take a task that is ready, if the program allows it"
    )

    beat = add("beat", "send a heartbeat", of_task)
    beat.add_argument("--status", choices=["active", "idle", "blocked"], default="active")
    beat.add_argument("--progress", type=percentage, metavar="PERCENT")
    beat.add_argument("--message", metavar="TEXT")
    beat.add_argument(
        "--within",
        type=int,
        metavar="SECONDS",
        help="announce a long step: the next one comes then",
    )
    used = beat.add_argument_group("what was used since the last heartbeat")
    for option in ("--tokens-in", "--tokens-out", "--tokens-cached"):
        used.add_argument(option, type=count, metavar="N")
    used.add_argument("--cost", type=dollars, metavar="USD", help="what it cost, if that is known")
    used.add_argument("--model", metavar="NAME")

    run = add("run", "run a command with heartbeats, and report the run of tests", of_task, runs)
    run.add_argument(
        "--every", type=float, default=20, metavar="SECONDS", help="between heartbeats"
    )
    run.add_argument(
        "--report", action="append", default=[], metavar="FILE",
        help="the report that the command writes; may be a pattern, and repeated",
    )  # fmt: skip
    run.add_argument("--message", metavar="TEXT", help="instead of the command, in heartbeats")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")

    report = add("report", "report a run of the suite", of_task, runs)
    report.add_argument("files", nargs="+", metavar="FILE", help="several are joined into one run")
    report.add_argument("--exit-code", type=int, metavar="N", help="with what the runner ended")

    validate = add("validate", "validate the architecture, or print its checklist", of_task)
    validate.add_argument("items", nargs="*", type=checked_item, metavar="SECTION: ITEM=pass|fail")
    validate.add_argument("--file", metavar="FILE", help="{section: {item: true or false}} as JSON")
    validate.add_argument(
        "--rest", type=passes, metavar="pass|fail", help="all other items of the checklist"
    )

    escalate = add("escalate", "report what blocks the task", of_task)
    escalate.add_argument(
        "classification",
        choices=CLASSIFICATIONS,
        metavar="CLASSIFICATION",
        help=", ".join(CLASSIFICATIONS),
    )
    escalate.add_argument("description", metavar="DESCRIPTION")
    escalate.add_argument(
        "--attempt",
        action="append",
        default=[],
        metavar="LINE",
        help="what was tried; may be repeated",
    )
    escalate.add_argument("--last-error", metavar="TEXT")

    link = add("link", "add a link to the task", of_task)
    link.add_argument("kind", choices=["commit", "pull-request", "log", "artefact"])
    link.add_argument("url", metavar="URL")
    link.add_argument("--label", default="", metavar="TEXT", help="shown instead of the address")

    note = add("note", "write a note on the task, in Markdown", of_task)
    note.add_argument("text", metavar="TEXT")

    ask = add("ask", "ask the foreman about the task", of_task)
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="TEXT",
        help="what the foreman may choose from; may be repeated",
    )
    ask.add_argument(
        "--wait", type=float, nargs="?", const=3600, default=0, metavar="SECONDS",
        help="wait so long for the answer (an hour without a number), with heartbeats",
    )  # fmt: skip

    claim = add("claim", "claim that the task is done", of_task)
    claim.add_argument("--evidence", metavar="LOCATION", help="where the evidence is")

    hook = add("hook", "pass an event of an agent's hooks on to the office, and print its answer")
    hook.add_argument("--agent", choices=AGENTS, default="claude-code")

    hooks = add("hooks", "put the hooks that the office answers into the settings of an agent")
    hooks.add_argument("action", choices=["install"], metavar="install")
    hooks.add_argument("--agent", choices=AGENTS, help="if it is not the only one found")
    hooks.add_argument("--user", action="store_true", help="for all projects, not only this one")
    hooks.add_argument(
        "--http", action="store_true", help="the agent sends events by itself (Claude Code)"
    )
    hooks.add_argument("--yes", action="store_true", help="write what is otherwise only shown")

    add("mcp", "serve an agent that speaks MCP, on standard input and output")
    add("status", "print the task, its conditions, and what is kept for later")
    return parser
