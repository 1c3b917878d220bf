"""How many examples Hypothesis tries: as many as find faults while a developer waits.

`make thorough` tries five times as many, and `make test FOREMAN_EXAMPLES=20` twenty times.
"""

import os

from hypothesis import settings

FACTOR = int(os.environ.get("FOREMAN_EXAMPLES", "1"))
USUALLY = 25 * FACTOR


def examples(count: int) -> settings:
    """Return settings by which a test tries so many examples, times the factor of this run."""
    return settings(max_examples=count * FACTOR)
