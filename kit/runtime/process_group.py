"""Child processes that end with the process that started them."""

import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import NoReturn, Self

from kit.runtime import parent_death_signal

ENDS = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT}
# Between two looks at whether a child has ended: waitpid knows no limit, and Popen looks so too.
LOOK_SECONDS = 0.02


class ForkedChild:
    """A child of this process that no Popen started: it is stopped and waited for as theirs are."""

    def __init__(self, number: int) -> None:
        self.pid = number
        self.status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or 0)
        while self.status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG if timeout is not None else 0)
            if ended:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            else:
                time.sleep(LOOK_SECONDS)
        return self.status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.status is None:
            os.kill(self.pid, number)


class Children:
    """Start children, wait for the first to end, and stop them all on leaving, newest first."""

    def __init__(self, grace: float, inherit: Iterable[int] = ()) -> None:
        self.grace = grace  # seconds that a child has to end by itself
        self.inherit = tuple(inherit)  # files that every child keeps open
        self.running: dict[str, subprocess.Popen[bytes] | ForkedChild] = {}

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

    def adopt(self, name: str, number: int) -> None:
        """Take over a child that this process started before it executed another program."""
        self.running[name] = ForkedChild(number)

    def fork(self, name: str, work: Callable[[], object]) -> None:
        """Start a child that shares what this process has loaded; it must have no threads."""
        parent = os.getpid()
        # No handler of the parent's interrupts what the child is not yet ready to unwind.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        number = os.fork()
        if not number:
            end_as_child(lambda: self._work_as_child(parent, before, work))
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.adopt(name, number)

    def _work_as_child(self, parent: int, mask: Iterable[int], work: Callable[[], object]) -> None:
        os.setpgid(0, 0)
        parent_death_signal.set_for(parent)
        close_files_but(self.inherit)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work()

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


def end_as_child(work: Callable[[], object]) -> NoReturn:
    """Do the work of a forked child and end, without unwinding what is the parent's."""
    status = 1
    try:
        work()
        status = 0
    except SystemExit as left:
        if isinstance(left.code, int):
            status = left.code
        else:
            sys.stderr.write(f"{left.code}\n")
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def close_files_but(kept: Iterable[int]) -> None:
    """Close all files of this process but these and its standard ones."""
    first = 3
    for file in sorted(kept):
        os.closerange(first, file)
        first = file + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def leave_signals_to_python() -> None:
    """Make a polite signal unwind this process, as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" has it ignored
