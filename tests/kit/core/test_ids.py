import time
from uuid import RFC_4122

import pytest
from django.db import connection

from kit.core.ids import time_ordered_id

MADE = 2_000


def of_the_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT programs_time_ordered_id() FROM generate_series(1, %s)", [MADE])
        return [made for (made,) in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "make", [lambda: [time_ordered_id() for _ in range(MADE)], of_the_database]
)
def test_ids_are_in_the_order_of_time_and_differ_beyond_it(make):
    began = time.time_ns() // 1_000_000
    made = make()
    ended = time.time_ns() // 1_000_000
    assert {(each.version, each.variant) for each in made} == {(7, RFC_4122)}
    times = [each.int >> 80 for each in made]
    assert times == sorted(times)
    assert began <= times[0]
    assert times[-1] <= ended
    # As many bits are random as RFC 9562 asks for: two rows of one moment tell nothing of each
    # other.
    assert len({each.int & (1 << 62) - 1 for each in made}) == MADE
