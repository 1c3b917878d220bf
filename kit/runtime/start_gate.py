"""A gate before a web server that loads while its database is still being prepared.

gunicorn reads this module as its configuration: `--config python:kit.runtime.start_gate`.
"""

import os
import sys
from types import TracebackType
from typing import Any, Self

from kit.runtime.forked_helpers import fork_helpers

GATE = "FOREMAN_START_GATE"  # the file that the server reads from before it starts its workers


class StartGate:
    """Hold back a server that inherits `reader`, until it is opened."""

    def __enter__(self) -> Self:
        self.reader, self.writer = os.pipe()
        return self

    @property
    def env(self) -> dict[str, str]:
        return {GATE: str(self.reader)}

    def open(self) -> None:
        os.write(self.writer, b"\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self.reader)
        os.close(self.writer)


def on_starting(server: Any) -> None:
    """Wait at the gate, if there is one, and fork what works beside the server.

    gunicorn calls this once the application is loaded, before it starts anything.
    """
    if gate := os.environ.pop(GATE, ""):
        if not os.read(int(gate), 1):
            sys.exit("The office ended before its web server started.")
        os.close(int(gate))
    fork_helpers()
