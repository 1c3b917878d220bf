"""Hooks of coding agents: their settings, and their events on the way to the office."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from foreman.errors import Invalid
from foreman.office import Office

# What is passed on of an event. Prompts, and what goes into tools or comes out, stay here.
PASSED_ON = (
    *("hook_event_name", "session_id", "conversation_id", "agent_id", "tool_name"),
    *("notification_type", "reason", "status", "stop_hook_active", "loop_count"),
)
TIMEOUT = 20  # seconds that an agent waits for the office
OURS = re.compile(r"\bhook --agent [\w-]+$|/api/hooks/[\w-]+$")
Settings = dict[str, Any]


class HookedAgent(NamedTuple):
    """A coding agent: where its settings are, and the hooks that the office answers."""

    name: str
    title: str
    program: str
    of_project: str
    of_user: str
    entries: Callable[[str, str], Settings]  # from the command and the office's address
    note: str = ""


def passed_on(told: object) -> Settings:
    """Return what the office is told of an event."""
    if not isinstance(told, dict) or not told.get("hook_event_name"):
        raise Invalid("Standard input is no event of a hook: JSON with hook_event_name.")
    event = {name: told[name] for name in PASSED_ON if name in told}
    tasks = told.get("background_tasks")
    if isinstance(tasks, list):
        types = [each.get("type") for each in tasks if isinstance(each, dict)]
        event["background_tasks"] = [{"type": each} for each in types]
    return event


def pass_on(office: Office, agent: str, text: bytes) -> Settings:
    """Send an event to the office, and return the answer in the agent's own form."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise Invalid(f"Standard input is not JSON: {error}.") from error
    body = json.dumps(passed_on(told)).encode()
    headers = {"Content-Type": "application/json"}
    return office.checked("POST", f"/api/hooks/{agent}", body, headers).json()


# --- what goes into the settings ------------------------------------------------------------------


def of_claude(command: str, url: str) -> Settings:
    """Return the hooks of Claude Code; with an address it sends events there by itself.

    The start of a session has no hooks of that kind.
    """
    runs = {"type": "command", "command": command, "timeout": TIMEOUT}
    sends = {
        "type": "http",
        "url": f"{url}/api/hooks/claude-code",
        "headers": {"Authorization": "Bearer $FOREMAN_TOKEN"},
        "allowedEnvVars": ["FOREMAN_TOKEN"],
        "timeout": TIMEOUT,
    }
    hook = sends if url else runs
    return {
        "SessionStart": [{"hooks": [runs]}],
        "PostToolUse": [{"hooks": [hook if url else {**runs, "async": True}]}],
        "Notification": [{"hooks": [hook if url else {**runs, "async": True}]}],
        "Stop": [{"hooks": [hook]}],
        "SessionEnd": [{"hooks": [hook]}],
    }


def of_codex(command: str, url: str) -> Settings:
    hook = {"type": "command", "command": command, "timeout": TIMEOUT}
    events = ("SessionStart", "PostToolUse", "PermissionRequest", "Stop")
    return {event: [{"hooks": [hook]}] for event in events}


def of_gemini(command: str, url: str) -> Settings:
    hook = {"name": "foreman", "type": "command", "command": command, "timeout": TIMEOUT * 1000}
    events = ("SessionStart", "AfterTool", "Notification", "AfterAgent", "SessionEnd")
    return {event: [{"hooks": [hook]}] for event in events}


def of_cursor(command: str, url: str) -> Settings:
    events = ("sessionStart", "postToolUse", "stop", "sessionEnd")
    return {event: [{"command": command}] for event in events}


AGENTS = {
    agent.name: agent
    for agent in (
        HookedAgent(
            *("claude-code", "Claude Code", "claude"),
            *(".claude/settings.local.json", ".claude/settings.json"),
            of_claude,
        ),
        HookedAgent(
            *("codex", "Codex", "codex", ".codex/hooks.json", ".codex/hooks.json"),
            of_codex,
            "Codex runs new hooks only after you have reviewed them: open /hooks in it.",
        ),
        HookedAgent(
            *(
                "gemini-cli",
                "Gemini CLI",
                "gemini",
                ".gemini/settings.json",
                ".gemini/settings.json",
            ),
            of_gemini,
        ),
        HookedAgent(
            *("cursor", "Cursor", "cursor-agent", ".cursor/hooks.json", ".cursor/hooks.json"),
            of_cursor,
        ),
    )
}


def found_agent(named: str | None) -> HookedAgent:
    """Return the agent that is named, or the only one that is used in this directory or here."""
    if named:
        return AGENTS[named]
    in_use = [each for each in AGENTS.values() if Path(each.of_project).parent.is_dir()]
    found = in_use or [each for each in AGENTS.values() if shutil.which(each.program)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in found or AGENTS.values())
    many = "Several agents were found" if found else "No agent was found"
    raise Invalid(f"{many}: name one with --agent ({names}).")


def own_command(agent: str) -> str:
    """Return the command that passes an event on, as this program was started."""
    if shutil.which("foreman"):
        program = "foreman"
    elif sys.argv[0].endswith(".pyz"):
        program = f"{quote(sys.executable)} {quote(os.path.abspath(sys.argv[0]))}"
    else:
        program = f"{quote(sys.executable)} -m foreman"
    return f"{program} hook --agent {agent}"


def settings_file(agent: HookedAgent, is_of_user: bool) -> Path:
    return Path.home() / agent.of_user if is_of_user else Path.cwd() / agent.of_project


def read_settings(file: Path) -> Settings:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{file} cannot be read as JSON ({error}), so nothing is put into it. Put the hooks"
            " into it by hand."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("hooks", {}), dict):
        raise Invalid(f"{file} does not have the form of settings, so nothing is put into it.")
    return found


def merged(settings: Mapping[str, Any], agent: HookedAgent, entries: Settings) -> Settings:
    """Return the settings with our hooks, in the place of those that were ours before."""
    hooks = {
        event: kept
        for event, groups in settings.get("hooks", {}).items()
        if (kept := without_ours(groups))
    }
    for event, ours in entries.items():
        hooks[event] = [*hooks.get(event, []), *ours]
    first = {"version": 1} if agent.name == "cursor" else {}
    return {**first, **settings, "hooks": hooks}


def without_ours(groups: Any) -> Any:
    """Return the hooks of an event that are not ours; what is no list is left as it is."""
    if not isinstance(groups, list):
        return groups
    kept = []
    for group in groups:
        if isinstance(group, dict) and isinstance(group.get("hooks"), list):
            others = [hook for hook in group["hooks"] if not is_ours(hook)]
            if others or not group["hooks"]:
                kept.append({**group, "hooks": others})
        elif not is_ours(group):
            kept.append(group)
    return kept


def is_ours(hook: Any) -> bool:
    told = hook.get("command") or hook.get("url") if isinstance(hook, dict) else None
    return bool(isinstance(told, str) and OURS.search(told))


def write_settings(file: Path, settings: Settings) -> None:
    """Write the settings whole or not at all, with the mode that they had."""
    file = file.resolve()  # what a link leads to is changed, not the link
    draft = file.with_name(f".{file.name}.foreman")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(f"{json.dumps(settings, indent=2, ensure_ascii=False)}\n", "utf-8")
        if file.exists():
            shutil.copymode(file, draft)
        os.replace(draft, file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Invalid(f"{file} cannot be written: {error.strerror}.") from error


def install(
    named: str | None, is_of_user: bool, url: str, writes: bool
) -> tuple[Settings, list[str]]:
    """Return the hooks for an agent, for machines and for people; write them if told to."""
    agent = found_agent(named)
    if url and agent.name != "claude-code":
        raise Invalid(f"{agent.title} sends no events by itself: leave out --http.")
    file = settings_file(agent, is_of_user)
    entries = agent.entries(own_command(agent.name), url)
    before = read_settings(file)
    after = merged(before, agent, entries)
    said = {"agent": agent.name, "file": str(file), "hooks": entries, "written": False}
    lines = [json.dumps({"hooks": entries}, indent=2, ensure_ascii=False), ""]
    if after == before:
        lines.append(f"{file} has these hooks of {agent.title} already.")
    elif writes:
        write_settings(file, after)
        said["written"] = True
        lines.append(f"{file} has these hooks now. {agent.note}".rstrip())
    else:
        lines.append(f"With --yes these hooks are put into {file}, beside what is there.")
    if url:
        lines.append("The agent needs FOREMAN_TOKEN in its environment.")
    return said, lines
