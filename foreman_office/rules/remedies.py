"""What would meet a condition of a gate, or change how a builder is judged."""

from collections.abc import Callable, Iterator

from django.urls import reverse
from django.utils.timezone import localtime

from builders.models import Builder, Verdict
from foreman_office.rules.cases import Case, Details, RuleRow
from foreman_office.rules.rows import act_address, report_address, validation_address, why_address
from kit.web.templatetags.numbers import some
from programs.models import Program, State, Wave


def one_act(words: str, anchor: str = "") -> Callable[[Case, Details], Iterator[RuleRow]]:
    """Return a remedy that is the same whatever the case: done on the page of the entity."""

    def remedy(case: Case, details: Details) -> Iterator[RuleRow]:
        yield RuleRow(words, case.here + anchor)

    return remedy


def resolve_issues(case: Case, details: Details) -> Iterator[RuleRow]:
    spoken_for = "no_open_blocker" in details and not case.own_blockers
    if case.violations and ("no_unresolved_violation" in details or spoken_for):
        number = some(len(case.violations), "violation")
        yield RuleRow(f"Resolve {number}.", f"{case.here}#trouble")
    if "no_open_blocker" in details and case.own_blockers:
        yield RuleRow(f"Resolve {some(len(case.own_blockers), 'blocker')}.", f"{case.here}#trouble")


def begin(part: str, verb: str) -> Callable[[Case, Details], Iterator[RuleRow]]:
    """Return the remedy that brings the program or the wave of a case into progress."""

    def remedy(case: Case, details: Details) -> Iterator[RuleRow]:
        entity: Program | Wave = getattr(case, part)
        does = {State.PLANNED: verb, State.BLOCKED: "Unblock"}.get(State(entity.state), "Reopen")
        yield RuleRow(f"{does} “{entity}”.", why_address(part, entity.pk))

    return remedy


def complete_earlier_waves(case: Case, details: Details) -> Iterator[RuleRow]:
    for wave in case.earlier_waves.exclude(state=State.COMPLETED):
        yield RuleRow(f"Complete “{wave}” first.", why_address("wave", wave.pk))


def validate_architecture(case: Case, details: Details) -> Iterator[RuleRow]:
    reference = case.entity.architecture_reference
    words = (
        f"Validate {reference} with every item passed."
        if reference
        else "Set the task's architecture reference, and validate it."
    )
    yield RuleRow(words, validation_address(case.entity))


def record_red_run(case: Case, details: Details) -> Iterator[RuleRow]:
    suite = case.entity.qa_suite_location
    words = (
        f"Record a run of {suite} with a failing test and none skipped."
        if suite
        else "Set the task's QA suite, and record a red run of it."
    )
    yield RuleRow(words, report_address(case.entity))


def record_green_run(case: Case, details: Details) -> Iterator[RuleRow]:
    """Return the one run that would meet every condition about a run."""
    task = case.entity
    words = "Set the task's QA suite, and record a green run of it"
    if task.qa_suite_location:
        words = f"Record a green run of {task.qa_suite_location}"
        if task.worked_at:
            words += f" newer than {localtime(task.worked_at):%Y-%m-%d %H:%M:%S %Z}"
        if "goalposts_stand" in details:
            missing = details["goalposts_stand"].rstrip(".")
            words += f", with the missing tests restored ({missing})"
    yield RuleRow(f"{words}.", report_address(task))


def raise_budget(case: Case, details: Details) -> Iterator[RuleRow]:
    words = f"Raise the budget of “{case.program}”, or let it not hold up assignments."
    yield RuleRow(words, f"{case.program.get_absolute_url()}#spend")


def set_evidence(case: Case, details: Details) -> Iterator[RuleRow]:
    address = act_address("programs:task_evidence", case.entity, "gate")
    yield RuleRow("Set the evidence location.", address)


FREED = {
    Verdict.NEVER_HEARD: "Let {name} send its first heartbeat",
    Verdict.SILENT: "Let {name} send a heartbeat",
    Verdict.PAUSED: "End the pause of {name}",
}


def free_builder(case: Case, details: Details) -> Iterator[RuleRow]:
    """Return what lets the builder of the condition have the task: it begins with its name."""
    name = details["builder_idle"].partition(" ")[0]
    builder = Builder.objects.with_verdicts().filter(pk=name).first()
    if builder is None:
        yield RuleRow("Choose a builder that is idle.", reverse("builders:builder_list"))
        return
    act = "Let {name} finish its task"
    if builder.current_task_id is None:
        act = FREED.get(builder.verdict, act)
        if builder.verdict == Verdict.NEVER_HEARD and not builder.tokens.valid().exists():
            act = "Issue a token for {name}, and let it send its first heartbeat"
    address = why_address("builder", name)
    if builder.current_task_id is None:
        address = builder.get_absolute_url()
    yield RuleRow(f"{act.format(name=name)}, or choose another builder.", address)


def unassign(case: Case, details: Details) -> Iterator[RuleRow]:
    name = case.entity.assigned_builder
    words = f"Unassign the task: {name} no longer has it. Then assign it again."
    yield RuleRow(words, f"{case.here}#gate")


def go_back(case: Case, details: Details) -> Iterator[RuleRow]:
    before = details["returns_to_where_it_was"]
    yield RuleRow(f"{before} Return it to that state.", case.here)


def complete_tasks(case: Case, details: Details) -> Iterator[RuleRow]:
    words = "Add a task to the wave, or delete it."
    if case.wave.tasks.exists():
        words = "Complete the other tasks of the wave."
    yield RuleRow(words, f"{case.here}#tasks-title")


def add_wave(case: Case, details: Details) -> Iterator[RuleRow]:
    address = reverse("programs:program_add_wave", args=[case.program.pk])
    yield RuleRow("Add a wave with a task.", address)


def add_tasks(case: Case, details: Details) -> Iterator[RuleRow]:
    yield RuleRow(f"Add a task to each wave. {details['waves_have_tasks']}", case.here)


# Of builders.


def await_beat(case: Case, details: Details) -> Iterator[RuleRow]:
    builder, task = case.entity, case.entity.current_task
    yield RuleRow(
        f"A heartbeat of {builder} ends the silence.", (task or builder).get_absolute_url()
    )
    if task:
        words = "Or: unassign the task, so that another builder can take it."
        yield RuleRow(words, task.get_absolute_url())


def await_progress(case: Case, details: Details) -> Iterator[RuleRow]:
    address = case.entity.current_task.get_absolute_url()
    words = "A heartbeat with new progress, or a run in which more tests pass than before."
    yield RuleRow(words, address)
    yield RuleRow("Or: return the task to the plan.", address)


def end_wait(case: Case, details: Details) -> Iterator[RuleRow]:
    words = "Resolve what it waits for; its next active heartbeat ends the wait."
    yield RuleRow(words, (case.entity.current_task or case.entity).get_absolute_url())


def take_up_work(case: Case, details: Details) -> Iterator[RuleRow]:
    address = case.entity.current_task.get_absolute_url()
    yield RuleRow(f"An active heartbeat of {case.entity} about its task.", address)
    yield RuleRow("Or: unassign the task, so that another builder can take it.", address)
