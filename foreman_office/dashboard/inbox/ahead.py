"""Waves in progress that depend on one that was taken back: each needs a decision."""

from collections import defaultdict
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from foreman_office.dashboard.available_actions import offer, offer_to_block
from foreman_office.dashboard.explain.problems import OpenProblem
from kit.web.decision_forms import ReasonForm
from programs.models import State


class TakenBack(NamedTuple):
    """A dependency that was completed and was reopened."""

    name: str
    state: str
    at: Any


def ahead_problems(waves: list[Any]) -> list[OpenProblem]:
    """Return a decision for each wave: block it until its dependency is completed, or accept."""
    found = taken_back([wave.pk for wave in waves])
    return [_ahead_problem(wave, found[wave.pk]) for wave in waves if found[wave.pk]]


def taken_back(keys: list[UUID]) -> dict[UUID, list[TakenBack]]:
    """Return the dependencies of some waves that were taken back, in one query."""
    found: dict[UUID, list[TakenBack]] = defaultdict(list)
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT wave.id, name, state, taken_back_at FROM unnest(%s) AS wave (id)"
                " CROSS JOIN LATERAL governance_taken_back_dependencies(wave.id)",
                [keys],
            )
            for key, *dependency in cursor.fetchall():
                found[key].append(TakenBack(*dependency))
    return found


def _ahead_problem(wave: Any, dependencies: list[TakenBack]) -> OpenProblem:
    states = dict(State.choices)
    said = ", ".join(f"“{each.name}” is {states[each.state].lower()}" for each in dependencies)
    return OpenProblem(
        "ahead",
        wave,
        "",
        "blocked",
        "Dependency taken back",
        f"The wave depends on what was completed and is no longer: {said}.",
        "Its tasks build on work that may still change.",
        "It stays in progress, and its tasks continue.",
        "Raise a blocker on the wave until the dependency is completed, or accept with a reason"
        " that it continues.",
        max(each.at for each in dependencies),
        [
            offer_to_block(wave),
            offer(wave, "programs:wave_accept", "Accept", ReasonForm),
        ],
    )
