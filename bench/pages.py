"""Each page in a large office, beside the same page in a small one."""

import http.client
import time
from collections.abc import Callable, Iterator
from functools import partial

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse

from bench.figures import Figure, compare, interleaved, percentile
from bench.office import database, fill, served
from bench.sizes import Sizes
from programs.models import Program, Task

SHAPE = {"waves": 15, "tasks": 13}
WARM_UP = 10  # requests that nobody counts: each worker and its connections start with the first


def run(sizes: Sizes) -> Iterator[Figure]:
    with database("bench_small") as small:
        fill(last=1, **SHAPE)
        cookie = logged_in()
        pages = {
            "inbox": reverse("inbox"),
            "program": Program.objects.get().get_absolute_url(),
            "task": Task.objects.running().first().get_absolute_url(),
        }
        with database("bench_large", template=small) as large:
            fill(first=2, last=sizes.programs, **SHAPE)
            with served(large) as large_port, served(small) as small_port:
                in_large, in_small = reader(large_port, cookie), reader(small_port, cookie)
                for page, path in pages.items():
                    ask = partial(interleaved, measured=in_large(path), floor=in_small(path))
                    ask(WARM_UP)
                    yield summary(f"{page}, {sizes.programs} programs and 1", ask(sizes.requests))


def logged_in() -> str:
    """Return the cookie of a session that is good in every copy of the office."""
    user = User.objects.create_superuser("bench")
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def reader(port: int, cookie: str) -> Callable[[str], Callable[[], float]]:
    """Return a user of one office, who asks for a page and says how long it took, in ms."""
    browser = http.client.HTTPConnection("localhost", port, timeout=60)

    def read(path: str) -> float:
        began = time.perf_counter()
        browser.request("GET", path, headers={"Cookie": cookie})
        answer = browser.getresponse()
        answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise AssertionError(f"{path} answered {answer.status}")
        return took * 1000

    return lambda path: partial(read, path)


def summary(what: str, pairs: list[tuple[float, float]]) -> Figure:
    """Compare the 95th percentiles; the spread is that of thirds of the run."""
    third = max(1, len(pairs) // 3)
    parts = [pairs[start : start + third] for start in range(0, third * 3, third)]
    return compare(
        f"{what}, p95",
        "ms",
        [
            (percentile([large for large, _ in part], 95), percentile([s for _, s in part], 95))
            for part in parts
            if part
        ],
        at_most=1.5,
    )
