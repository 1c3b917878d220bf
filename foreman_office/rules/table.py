"""The one table of rules: what each demands, in words; the rows behind it; what would meet it.

The names are those of the conditions that the gates of the database answer with
(`governance/sql/`), and those by which a builder is judged. Pages and the API read them here.
"""

from collections.abc import Callable, Iterable, Iterator

from foreman_office.rules.cases import Case, Details, Explained, Remedy, Rule, RuleRow
from foreman_office.rules.lateness import finish_or_postpone, late_rows
from foreman_office.rules.remedies import (
    add_tasks,
    add_wave,
    await_beat,
    await_progress,
    begin,
    complete_earlier_waves,
    complete_tasks,
    end_wait,
    free_builder,
    go_back,
    one_act,
    raise_budget,
    record_green_run,
    record_red_run,
    resolve_issues,
    set_evidence,
    take_up_work,
    unassign,
    validate_architecture,
)
from foreman_office.rules.rows import (
    SHOWN,
    beat_rows,
    builder_rows,
    held_rows,
    link_to,
    named,
    nothing,
    open_blocker_rows,
    run_rows,
    tasks_under_way,
    unfinished_rows,
    validation_rows,
    violation_rows,
)
from governance.gates import Condition


def explain(condition: Condition, case: Case | None = None) -> Explained:
    """Return a condition in words; with a case, also the rows that it was drawn from."""
    rule = RULES.get(condition.rule)
    # An imported or refused claim may name what no gate does: a lifecycle, a rule of old.
    words = rule.words if rule else condition.rule.replace("_", " ").capitalize()
    return Explained(condition, words, list(rule.rows(case)) if rule and case else [])


def remedies(unmet: Iterable[Condition], case: Case) -> list[Remedy]:
    """Return the fewest acts that meet what is unmet: one act may meet several conditions."""
    details = {condition.rule: condition.detail for condition in unmet}
    acts: dict[Callable[..., Iterator[RuleRow]], Details] = {}
    for name, rule in RULES.items():
        if name in details:
            acts[rule.remedy] = {**acts.get(rule.remedy, {}), name: details[name]}
    return [
        Remedy(*row, frozenset(details))
        for remedy, details in acts.items()
        for row in remedy(case, details)
    ]


# In the order in which acts are named: what everything else waits for comes first.
RULES = {
    "no_unresolved_violation": Rule("No unresolved violation", violation_rows, resolve_issues),
    "no_open_blocker": Rule("No open blocker", open_blocker_rows, resolve_issues),
    "program_in_progress": Rule(
        "The program is in progress",
        lambda case: [link_to(case.program)],
        begin("program", "Approve"),
    ),
    "wave_in_progress": Rule(
        "The wave is in progress", lambda case: [link_to(case.wave)], begin("wave", "Start")
    ),
    "dependencies_completed": Rule(
        "Every wave it depends on is completed",
        lambda case: named(case.earlier_waves),
        complete_earlier_waves,
    ),
    "architecture_ready": Rule(
        "The latest architecture validation is ready", validation_rows, validate_architecture
    ),
    "suite_red": Rule(
        "The latest run of its suite is red, with no test skipped", run_rows, record_red_run
    ),
    "suite_green": Rule("The latest run of its suite is green", run_rows, record_green_run),
    "no_debt": Rule("There is no test debt", run_rows, record_green_run),
    "run_newer_than_work": Rule(
        "The run is newer than the last reported work", run_rows, record_green_run
    ),
    "goalposts_stand": Rule(
        "No test of the red run was removed or skipped", run_rows, record_green_run
    ),
    "within_budget": Rule(
        "The program is within its budget",
        lambda case: [RuleRow("Spend", f"{case.program.get_absolute_url()}#spend")],
        raise_budget,
    ),
    "evidence_given": Rule("The evidence location is set", nothing, set_evidence),
    "builder_idle": Rule("The builder is idle and has no task", builder_rows, free_builder),
    "still_in_hand": Rule("The task is still assigned to its builder", builder_rows, unassign),
    "returns_to_where_it_was": Rule("It returns to its previous state", nothing, go_back),
    "tasks_completed": Rule(
        "Every task is completed",
        lambda case: unfinished_rows(case.wave.tasks.order_by("name")),
        complete_tasks,
    ),
    "has_waves": Rule("The program has a wave", nothing, add_wave),
    "waves_have_tasks": Rule(
        "Each wave has a task",
        lambda case: named(case.program.waves.filter(tasks=None)[:SHOWN]),
        add_tasks,
    ),
    "dependencies_acyclic": Rule(
        "The waves have no dependency cycle",
        nothing,
        one_act("Remove a dependency from the cycle of waves."),
    ),
    "waves_completed": Rule(
        "Every wave is completed",
        lambda case: unfinished_rows(case.program.waves),
        one_act("Complete the other waves of the program.", "#board-title"),
    ),
    "program_finished": Rule(
        "The program is completed or abandoned",
        lambda case: [link_to(case.program)],
        one_act("Complete or abandon the program.", "#gate"),
    ),
    "nothing_under_way": Rule(
        "Nothing of the program is under way",
        lambda case: named(tasks_under_way(case.program)[:SHOWN]),
        one_act("Complete, unassign or abandon what is under way.", "#tasks-title"),
    ),
    "nothing_open": Rule(
        "Nothing of the program is blocked or violates a rule",
        nothing,
        one_act("Resolve what is open.", "#blockers"),
    ),
    "in_time": Rule("Nothing of it is past its due date", late_rows, finish_or_postpone),
    # of builders
    "heard": Rule("A heartbeat was received within the threshold", beat_rows, await_beat),
    "gets_on": Rule("Its latest heartbeats report progress", held_rows, await_progress),
    "not_waiting": Rule("It does not report that it is blocked", nothing, end_wait),
    "works_on_its_task": Rule("It does not report idle with a task", held_rows, take_up_work),
    "may_report": Rule(
        "It has a valid token",
        nothing,
        one_act("Issue a token: the builder cannot report without one.", "#tokens"),
    ),
}
