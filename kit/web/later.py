"""What refuses a request that is right, and comes too soon or too often."""

import math

CROWDED = ("office_crowded", "The office has more requests than it can handle at once.")


class TryLater(Exception):
    """The request may be sent again after so many seconds."""

    def __init__(self, status: int, rule: str, message: str, seconds: float) -> None:
        super().__init__(message)
        self.status, self.rule, self.message = status, rule, message
        self.seconds = max(1, math.ceil(seconds))


def too_crowded(seconds: float) -> TryLater:
    """Return that others take all the room that there is for something."""
    return TryLater(503, *CROWDED, seconds)
