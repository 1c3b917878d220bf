"""Each page in a large office, beside the same page in a small one."""

import http.client
import time
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.urls import reverse

from bench.figures import Measurement, compare_pairs, interleaved, percentile
from bench.office import in_database, made, served
from bench.sizes import Sizes
from builders.models import Builder
from foreman_office.access.sessions import SessionStore
from programs.models import Wave

WARM_UP = 10  # requests that are not measured: each worker and its connections start with the first


def run(sizes: Sizes) -> Iterator[Measurement]:
    large, small = made(sizes.large), made(sizes.small)
    with served(large) as large_port, served(small) as small_port:
        in_large, in_small = reader(large, large_port), reader(small, small_port)
        for page, path in in_large.paths.items():
            ask = partial(
                interleaved,
                measured=partial(in_large.read, path),
                floor=partial(in_small.read, in_small.paths[page]),
            )
            ask(WARM_UP if sizes.requests > WARM_UP else 1)
            yield summary(page, ask(sizes.requests))


class Reader:
    """One user of an office, who requests a page and returns how long it took, in ms."""

    def __init__(self, port: int, cookie: str, paths: dict[str, str]) -> None:
        self.port, self.cookie, self.paths = port, cookie, paths

    def read(self, path: str) -> float:
        # A connection for each: the server would not keep one as long as the other office may take.
        browser = http.client.HTTPConnection("localhost", self.port, timeout=60)
        began = time.perf_counter()
        browser.request("GET", path, headers={"Cookie": self.cookie, "Connection": "close"})
        answer = browser.getresponse()
        answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise AssertionError(f"{path} answered {answer.status}")
        return took * 1000


def reader(name: str, port: int) -> Reader:
    with in_database(name):
        return Reader(port, logged_in(), pages())


def pages() -> dict[str, str]:
    """Return the address of each page, of the entities that have most to show."""
    wave = Wave.objects.filter(state=Wave.State.IN_PROGRESS).order_by("pk")[0]
    builder = Builder.objects.exclude(current_task=None).order_by("pk")[0]
    lists = {
        "inbox": "inbox",
        "programs": "programs:program_list",
        "tasks": "programs:task_list",
        "builders": "builders:builder_list",
        "quality": "governance:quality",
        "QA runs": "governance:quality_runs",
        "blockers": "governance:blocker_list",
        "violations": "governance:violation_list",
        "evidence": "governance:evidence_list",
    }
    return {
        **{page: reverse(name) for page, name in lists.items()},
        "search": reverse("search") + "?q=invo",
        # Parts of words that a tenth of the tasks have, that few have, and that nobody has.
        "search of a common text": reverse("search") + "?q=othing+skipp",
        "search of a rare text": reverse("search") + "?q=xchange+rate+form",
        "search of an absent text": reverse("search") + "?q=docs/nowhere.md::absent",
        "tasks found by a text": reverse("search") + "?q=othing+skipp&kind=tasks",
        "evidence by a common text": reverse("governance:evidence_list") + "?q=othing+skipp",
        "evidence by a rare text": reverse("governance:evidence_list") + "?q=xchange+rate+form",
        "tasks by words": reverse("programs:task_list") + "?q=invoice",
        "program": wave.program.get_absolute_url(),
        "wave": wave.get_absolute_url(),
        "task": builder.current_task.get_absolute_url(),
        "builder": reverse("builders:builder", args=[builder.pk]),
    }


def logged_in() -> str:
    """Return the cookie of a session that is good in every copy of the office."""
    user, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def summary(page: str, pairs: list[tuple[float, float]]) -> Measurement:
    """Compare the 95th percentiles; the spread is that of thirds of the run."""
    third = max(1, len(pairs) // 3)
    parts = [pairs[start : start + third] for start in range(0, third * 3, third)]
    return compare_pairs(
        f"{page}, large office and small, p95",
        "ms",
        [
            (percentile([large for large, _ in part], 95), percentile([s for _, s in part], 95))
            for part in parts
            if part
        ],
        at_most=1.5,
        under=100,
    )
