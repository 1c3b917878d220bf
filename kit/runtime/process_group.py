"""Child processes that end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from kit.runtime import parent_death_signal


class Children:
    """Start children, wait for the first to end, and stop them all on leaving, newest first."""

    def __init__(self, grace: float, inherit: Iterable[int] = ()) -> None:
        self.grace = grace  # seconds that a child has to end by itself
        self.inherit = tuple(inherit)  # files that every child keeps open
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self,
        name: str,
        command: Iterable[str],
        inherit: Iterable[int] = (),
        env: Mapping[str, str] = {},
    ) -> None:
        """Start a child that only this process stops, and the kernel if this process is killed."""
        self.running[name] = subprocess.Popen(
            [sys.executable, "-I", parent_death_signal.__file__, str(os.getpid()), *command],
            pass_fds=(*self.inherit, *inherit),
            env={**os.environ, **env},
            process_group=0,  # Ctrl-C in the terminal reaches us, and we end them in order
        )

    def is_alive(self, name: str) -> bool:
        """Return whether a child still runs; `wait` returns one that does not."""
        options = os.WEXITED | os.WNOWAIT | os.WNOHANG
        return os.waitid(os.P_PID, self.running[name].pid, options) is None

    def wait(self) -> tuple[str, int]:
        """Wait until a child ends; return its name and exit status."""
        while True:
            # Looked at before it is taken: Popen must learn the status of its own.
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            for name, process in self.running.items():
                if ended and process.pid == ended.si_pid:
                    return name, process.wait()
            os.wait()  # an orphan that was reparented to this process, as process 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Impatience must not leave a child behind.
        impatient = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in reversed(self.running.values()):
            process.terminate()
        deadline = time.monotonic() + self.grace
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            process.kill()
            process.wait()
        signal.signal(signal.SIGINT, impatient)
