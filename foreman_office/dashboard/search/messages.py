"""What builders said in their heartbeats: of each the newest are read, as no index has them.

An index on messages would have to be written by every heartbeat.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import connection

from builders.models import Builder
from foreman_office.dashboard.search.hits import Hit, ShownHit, as_hit, path_of
from foreman_office.dashboard.texts import can_be_found
from kit.web.addresses import address_then
from programs.models import Task

READ = 500  # heartbeats of a builder that are read beside all other kinds
READ_ALONE = 10_000  # and where messages alone are asked for: a week, at one a minute

# A message that was said again and again on a task is found once.
SAID = """
    SELECT builder_id, task_id, message, max(received)
    FROM (
        SELECT builders.builder_id, beat.task_id, message, beat.received
        FROM builders CROSS JOIN LATERAL (
            SELECT task_id, message, coalesce(received_at, timestamp) AS received FROM heartbeats
            WHERE heartbeats.builder_id = builders.builder_id
            ORDER BY coalesce(received_at, timestamp) DESC, timestamp DESC LIMIT %(read)s
        ) AS beat
        WHERE {contains}
    ) AS said
    GROUP BY builder_id, task_id, message
    ORDER BY max(received) DESC, builder_id LIMIT %(most)s
"""


def messages_with(words: Sequence[str], most: int, *, read: int = READ) -> Iterator[Hit]:
    """Yield the messages that have each of the words, the newest first.

    Each leads to the page of its builder as of the last time that it was said.
    """
    if not can_be_found(words):
        return
    asked = {f"word{n}": word for n, word in enumerate(words)}
    contains = " AND ".join(
        f"strpos(programs_folded(message), programs_folded(%({name})s)) > 0" for name in asked
    )
    with connection.cursor() as cursor:
        cursor.execute(SAID.format(contains=contains), {**asked, "read": read, "most": most})
        found = cursor.fetchall()
    tasks = Task.objects.select_related("wave__program").in_bulk({row[1] for row in found} - {None})
    known_since = dict(Builder.objects.values_list("pk", "created_at"))
    for name, task, message, received in found:
        url = address_when(name, received, known_since[name])
        shown = ShownHit(f"{name} said", url, "builders", within=path_of(tasks.get(task)))
        yield as_hit(shown, message, words)


def address_when(name: str, at: datetime, known_since: datetime) -> str:
    """Return the page of a builder as of a moment; of one before the office knew it, as it is."""
    url = Builder(pk=name).get_absolute_url()
    return address_then(url, at) if at >= known_since else url
