"""How long pages rest between two events, by how many they are."""

import time
from itertools import pairwise
from threading import Thread

from kit.live.hub import Hub
from tests.kit.live.test_hub import now


def test_the_more_pages_are_told_the_longer_they_rest_while_more_comes(monkeypatch, settings):
    settings.FOREMAN_STREAMS = 200
    quiet = Hub(connect=None)
    quiet._thread = Thread()  # it gets the announcements of the test
    clock = [time.time() + 1000]
    monkeypatch.setattr("kit.live.hub.time.time", lambda: clock[0])

    def tell(times, apart):
        """Return at which times a page was told, of so many announcements."""
        told = []
        page.post = lambda said: told.append(round(clock[0] - began, 2)) or True
        began = clock[0]
        for _ in range(times):
            quiet.tell(["builder:1"])
            clock[0] += apart
        return told

    page = quiet.open(["*"], now())
    assert len(tell(100, 0.1)) > 20
    clock[0] += 10
    for _ in range(150):
        quiet.open(["*"], now()).post = lambda said: True
    waiting = quiet.open(["builder:1"], now(), silent=True)
    rests = tell(200, 0.1)
    assert rests[1] < 0.5
    assert max(later - sooner for sooner, later in pairwise(rests)) < 2.2
    assert len(rests) < 14
    # A builder that waits for its assignment is told at once, though the pages rest.
    quiet.take(waiting)
    quiet.tell(["builder:1"])
    assert quiet.take(waiting) == {"builder:1"}
    # What comes seldom is told at once, to however many.
    clock[0] += 10
    quiet.tell([])
    clock[0] += 10
    assert len(tell(20, 0.8)) == 20
