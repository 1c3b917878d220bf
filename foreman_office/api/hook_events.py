"""The events of coding agents' hooks: what each agent calls them, and how it wants its answer.

Each agent's documentation names the fields. What is read is no prompt, and neither the input nor
the output of a tool: those fields are not even known here.
"""

import re
from enum import Enum, StrEnum, auto
from typing import Annotated, Any

from ninja import Schema
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from foreman_office.api.heartbeat import no_nul
from foreman_office.api.schemas.fields import example

MOST_OF_A_WORD = 80  # characters of what an agent names: a tool, a reason
# Background work that wakes the session by itself; a shell may run for ever.
WAKES_THE_SESSION = {"subagent", "workflow", "teammate", "cloud session"}


class HookAgent(StrEnum):
    CLAUDE_CODE = "claude-code"
    CODEX = "codex"
    GEMINI_CLI = "gemini-cli"
    CURSOR = "cursor"


class HookKind(Enum):
    """What an event means to the office."""

    START = auto()
    TOOL = auto()
    WAITS_FOR_A_PERSON = auto()
    STOP = auto()
    PART_STOPS = auto()  # a subagent
    END = auto()


KIND_OF = {
    "SessionStart": HookKind.START,
    "sessionStart": HookKind.START,
    **dict.fromkeys(("PreToolUse", "PostToolUse", "PostToolUseFailure"), HookKind.TOOL),
    **dict.fromkeys(("BeforeTool", "AfterTool"), HookKind.TOOL),
    **dict.fromkeys(("preToolUse", "postToolUse", "postToolUseFailure"), HookKind.TOOL),
    "PermissionRequest": HookKind.WAITS_FOR_A_PERSON,
    "Stop": HookKind.STOP,
    "AfterAgent": HookKind.STOP,
    "stop": HookKind.STOP,
    **dict.fromkeys(("SubagentStop", "subagentStop"), HookKind.PART_STOPS),
    **dict.fromkeys(("SessionEnd", "sessionEnd"), HookKind.END),
}
# Notifications that say that nothing goes on until a person answers.
WAITING_NOTIFICATIONS = {"permission_prompt", "idle_prompt", "elicitation_dialog", "ToolPermission"}


SessionId = Annotated[str, Field(max_length=500), AfterValidator(no_nul)]


class HookEvent(BaseModel):
    """An event as the agent sends it. Other fields than these are taken and dropped."""

    model_config = ConfigDict(
        extra="ignore",
        strict=True,
        **example(
            session_id="8f2d3c1e",
            cwd="/home/builder/lamps",
            hook_event_name="Stop",
            stop_hook_active=False,
        ),
    )

    hook_event_name: str = Field(max_length=200)
    session_id: SessionId | None = Field(None, description="Cursor: conversation_id.")
    conversation_id: SessionId | None = None
    agent_id: SessionId | None = Field(None, description="Of a subagent.")
    tool_name: str | None = Field(None, max_length=2000)
    notification_type: str | None = Field(None, max_length=200)
    reason: str | None = Field(None, max_length=2000, description="Why a session ended.")
    status: str | None = Field(None, max_length=200, description="How an agent of Cursor stopped.")
    stop_hook_active: bool | None = Field(
        None, description="The agent goes on only because a hook held it before."
    )
    loop_count: int | None = Field(None, ge=0, description="The same, of Cursor: how often.")
    background_tasks: list[dict[str, Any]] | None = Field(
        None, description="Work that goes on meanwhile."
    )

    @property
    def kind(self) -> HookKind | None:
        """Return what the event means; None for all that the office does not need."""
        name = self.hook_event_name
        if name == "Notification" and self.notification_type in WAITING_NOTIFICATIONS:
            return HookKind.WAITS_FOR_A_PERSON
        if name == "stop" and self.status not in (None, "completed"):
            return None  # a person aborted it, or it failed
        return KIND_OF.get(name)

    @property
    def session(self) -> str:
        """Return what tells one session from another, of a subagent with its own id."""
        whole = self.session_id or self.conversation_id or ""
        return f"{whole}/{self.agent_id}" if self.kind is HookKind.PART_STOPS else whole

    @property
    def is_continued(self) -> bool:
        return bool(self.stop_hook_active or self.loop_count)

    @property
    def is_woken_later(self) -> bool:
        return any(
            str(each.get("type")) in WAKES_THE_SESSION for each in self.background_tasks or []
        )


class HookAnswer(Schema):
    """The answer in the agent's own form; empty if the agent is to go on as it would."""

    decision: str | None = None
    reason: str | None = None
    systemMessage: str | None = None
    hookSpecificOutput: dict[str, str] | None = None
    additional_context: str | None = None
    followup_message: str | None = None


def with_context(agent: HookAgent, event: HookEvent, context: str) -> HookAnswer:
    """Return an answer that adds to what an agent knows."""
    if agent == HookAgent.CURSOR:
        return HookAnswer(additional_context=context)
    name = event.hook_event_name
    return HookAnswer(hookSpecificOutput={"hookEventName": name, "additionalContext": context})


def with_hold(agent: HookAgent, reason: str) -> HookAnswer:
    """Return an answer that keeps an agent from stopping."""
    if agent == HookAgent.CURSOR:
        return HookAnswer(followup_message=reason)
    return HookAnswer(decision="deny" if agent == HookAgent.GEMINI_CLI else "block", reason=reason)


def with_note(agent: HookAgent, note: str) -> HookAnswer:
    """Return an answer that only tells the person at the agent something."""
    return HookAnswer() if agent == HookAgent.CURSOR else HookAnswer(systemMessage=note)


def plain_word(text: str | None) -> str:
    """Return what an agent named, as a short text in one line."""
    return re.sub(r"[^\w .:/()-]", "", text or "")[:MOST_OF_A_WORD].strip()
