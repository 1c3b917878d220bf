"""Run a command that must not outlive the process that started it.

Usage: `parent_death_signal.py PARENT COMMAND...`, with the process id of the parent.

A parent that is killed cannot stop its children. On Linux the kernel does it instead; the setting
is lost by a fork and kept by an exec, hence this step in between.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    set_for(parent)
    os.execvp(command[0], command)  # noqa: S606


def set_for(parent: int) -> None:
    """End this process with its parent, by the kernel; end now if that has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("The parent process ended before its child started.")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
