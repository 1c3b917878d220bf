"""The endpoint for the hooks of coding agents: signs of life, the assignment, and the gate."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.timezone import now
from ninja import Router
from ninja.decorators import decorate_view

from builders.actions import note_heard
from builders.models import Builder, HeartbeatStatus
from foreman_office.api.callers import Bearer, calling_builder
from foreman_office.api.heartbeat import Beat, stored_beat
from foreman_office.api.hook_events import (
    HookAgent,
    HookAnswer,
    HookEvent,
    HookKind,
    plain_word,
    with_context,
    with_hold,
    with_note,
)
from foreman_office.api.instruction import Instruction, instruction
from foreman_office.api.schemas.claims import Met
from foreman_office.api.schemas.questions import AskedQuestion
from foreman_office.api.unmet import unmet_lines
from foreman_office.reports import MAX_BYTES
from governance.actions import Stop, answer_stop
from kit.core.acts import act
from kit.web.api import Errors, takes
from programs.models import Task

# An agent sends what a tool answered, which is dropped: a file, or pages of output.
EVENT = {"application/json": MAX_BYTES}
# Characters of an assignment that an agent is told at its start: some put more into a file.
MOST_OF_A_CONTEXT = 9_000

router = Router(auth=Bearer())


@router.post(
    "/hooks/{agent}",
    operation_id="governance_api_hook",
    url_name="hook",
    response={200: HookAnswer, frozenset({400, 401, 403, 404, 411, 413, 415, 422, 503}): Errors},
)
@decorate_view(takes(EVENT))
def hook(request: HttpRequest, agent: HookAgent, event: HookEvent) -> HttpResponse:
    """Take an event of a coding agent's hooks, as the agent sends it, and answer as it wants.

    The use of a tool is a sign of life, with the tool's name. The start of a session is answered
    with the assignment. Stopping is answered by the gate: while the task is not done, the agent is
    told what is missing and goes on, at most as often as the office says for a session and task;
    then that is escalated, and it may stop. Other events are taken and ignored.
    """
    builder = calling_builder(request.auth)  # type: ignore[attr-defined]
    answer = answer_to_event(request, builder, agent, event)
    content = answer.model_dump_json(exclude_none=True)
    return HttpResponse(content, content_type="application/json")


def answer_to_event(
    request: HttpRequest, builder: Builder, agent: HookAgent, event: HookEvent
) -> HookAnswer:
    match event.kind:
        case HookKind.START:
            with act(builder):
                note_heard(builder)
            return with_context(agent, event, context_of(request, builder))
        case HookKind.TOOL:
            beat(request, builder, "active", f"Uses {plain_word(event.tool_name) or 'a tool'}")
        case HookKind.WAITS_FOR_A_PERSON:
            beat(request, builder, "blocked", "Waits for a person at the agent")
        case HookKind.END:
            reason = plain_word(event.reason)
            beat(request, builder, "idle", f"The session ended{f' ({reason})' if reason else ''}")
        case HookKind.STOP | HookKind.PART_STOPS if builder.current_task:
            return answer_to_stop(request, builder, builder.current_task, agent, event)
    return HookAnswer()


def beat(request: HttpRequest, builder: Builder, status: str, message: str) -> None:
    """Store a heartbeat; if the last one just said the same, the builder only was heard again.

    Ten beats that say the same mean that a builder makes no headway: ten tools in a minute do not.
    """
    half = timedelta(seconds=settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS / 2)
    last = builder.heartbeats.newest_first().first()
    told = (HeartbeatStatus(status), message, builder.current_task_id)
    heard = last and (last.status, last.message, last.task_id) == told and last.received_at
    if heard and now() - heard < half:
        with act(builder):
            note_heard(builder)
        return
    token = request.headers["Authorization"].partition(" ")[2]
    task_id = builder.current_task_id
    said = {"builder_id": builder.pk, "task_id": task_id, "status": status, "message": message}
    stored_beat(token, Beat.model_validate(said))


# --- the gate -------------------------------------------------------------------------------------


def answer_to_stop(
    request: HttpRequest, builder: Builder, task: Task, agent: HookAgent, event: HookEvent
) -> HookAnswer:
    """Hold an agent that stops before its task is done; a part of a session is never escalated."""
    with act(builder):
        note_heard(builder)
        if event.is_woken_later:
            return HookAnswer()
        stop = answer_stop(
            task,
            session=event.session,
            most=settings.FOREMAN_AGENT_STOPS,
            is_continued=event.is_continued,
            escalates=event.kind is HookKind.STOP,
            by=builder,
        )
        if stop.escalated:
            note = f"Foreman Office: “{task.name}” is not done. That is escalated to the foreman."
            return with_note(agent, note)
        return HookAnswer() if stop.may else with_hold(agent, hold_reason(request, task, stop))


def hold_reason(request: HttpRequest, task: Task, stop: Stop) -> str:
    """Return why an agent may not stop yet, and what meets each condition."""
    missing = unmet_lines(Met.all([*stop.unmet], task), request)
    if missing:
        lines = [f"Foreman Office: the task “{task.name}” is not done. What is missing:", *missing]
        lines.append("Go on. Report each run of the suite, then claim that the task is done.")
    else:
        lines = [
            f"Foreman Office: every condition of the task “{task.name}” is met, and it is not"
            " claimed. Claim that it is done (claim_completion, or foreman claim)."
        ]
    times = f"{stop.held} of {settings.FOREMAN_AGENT_STOPS}"
    lines.append(f"If you cannot go on, escalate why, or ask the foreman. ({times})")
    return "\n".join(lines)


# --- the assignment -------------------------------------------------------------------------------


def context_of(request: HttpRequest, builder: Builder) -> str:
    """Return what an agent is told as its session begins."""
    if not (task := builder.current_task):
        return f"Foreman Office: you are {builder.pk}. No task is assigned to you now."
    told = instruction(task)
    lines = [
        f"Foreman Office: you are {builder.pk}, and build the task “{told.name}”"
        f" ({told.program.name}, {told.wave.name}; {told.state}, {told.progress_percentage} %).",
        *of_instruction(told),
    ]
    if missing := unmet_lines([each for each in told.completion if not each.met], request):
        lines += ["Before it is done:", *missing]
    text = "\n".join(lines)
    return text if len(text) <= MOST_OF_A_CONTEXT else f"{text[: MOST_OF_A_CONTEXT - 1]}…"


def answer_line(asked: AskedQuestion) -> str:
    answer = ". ".join(filter(None, (asked.option, asked.text)))
    return f"{asked.question} {answer}"


def of_instruction(told: Instruction) -> list[str]:
    lines = [told.instruction]
    for title, items in (
        ("Acceptance criteria:", told.acceptance_criteria),
        ("Failing tests:", [each.name for each in told.suite.failing[:20]]),
        ("Open blockers:", [each.description for each in told.open_blockers]),
        (
            "Answers of the foreman:",
            [answer_line(each) for each in told.questions if each.answered_at],
        ),
    ):
        lines += [title, *(f"- {item}" for item in items)] if items else []
    return lines
