"""Keep an office open: restart what works beside its web server, until the office is closed.

The command `office` becomes this process once a page is answered. It loads neither Django nor the
office: it only waits, and its memory is needed elsewhere.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from kit.runtime import embedded_postgres, terminal
from kit.runtime.forked_helpers import release
from kit.runtime.logs import LINE, JSONFormatter, LineFormatter
from kit.runtime.process_group import Children

FIRST_REST, LAST_REST = 1, 60  # seconds until a helper that ended is followed by another
RESTS = ", resting"
KEEPER = "The PostgreSQL supervisor"
ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

office_logger = logging.getLogger("foreman.office")
postgres_logger = logging.getLogger("foreman.postgres")


@dataclass(frozen=True)
class SupervisedOffice:
    """What the command leaves to the supervisor that it becomes.

    `children` are the numbers of the processes that run already, by name; `helpers` are started
    beside them, and again whenever they end: each has a command and an environment. Those that the
    web server has forked wait at `forked`, their sockets. `inherited` and
    `kept` are files, locks, that stay open while the office is; every child has the former.
    `passed` are open until the supervisor has a lock of its own. `var` has the office's own
    PostgreSQL; it is empty if the office has none. `group` is the process group that had the
    terminal before, if it was taken from one.
    """

    children: Mapping[str, int]
    helpers: Mapping[str, tuple[Sequence[str], Mapping[str, str]]]
    forked: Mapping[str, int]
    grace: float
    inherited: Sequence[int]
    kept: Sequence[int]
    passed: Sequence[int]
    var: str
    log: str
    welcome: Sequence[str]
    closed: str
    group: int | None = None
    python_path: str | None = None

    def become_supervisor(self) -> NoReturn:
        """Replace this process by its supervisor, which has its number, children and locks."""
        reader, writer = os.pipe()
        os.write(writer, json.dumps(asdict(self)).encode())
        os.close(writer)
        for file in (*self.inherited, *self.kept, *self.passed, *self.forked.values(), reader):
            os.set_inheritable(file, True)
        sys.stdout.flush()
        sys.stderr.flush()
        # They wait until the supervisor can end as it should.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        root = Path(__file__).parent.parent.parent
        path = {"PYTHONPATH": str(root)}
        command = [sys.executable, "-m", __name__, str(reader), "office"]
        os.execve(sys.executable, command, {**os.environ, **path})  # noqa: S606


def main(handed: str) -> None:
    with open(int(handed), "rb") as state:
        office = SupervisedOffice(**json.load(state))
    os.environ.pop("PYTHONPATH")
    if office.python_path is not None:
        os.environ["PYTHONPATH"] = office.python_path
    handler = logging.StreamHandler(sys.stdout if office.log == "json" else sys.stderr)
    handler.setFormatter(JSONFormatter() if office.log == "json" else LineFormatter(LINE))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for number in ENDS:
        signal.signal(number, end)
    try:
        with terminal.given_back(office.group):
            unexpected = supervise(office)
    except KeyboardInterrupt:
        say_last(office, office.closed)  # as was asked for, so this is a good end
    except SystemExit:
        say_last(office, office.closed)
        raise
    else:
        sys.exit(unexpected)


def end(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def supervise(office: SupervisedOffice) -> str:
    """Supervise an office until it is closed; return why it closes if nobody asked for that."""
    children = Children(office.grace, inherit=office.inherited)
    for name, number in office.children.items():
        children.adopt(name, number)
    # The children end before the server that they use.
    with (
        embedded_postgres.joined_server(Path(office.var)) if office.var else nullcontext(),
        children,
    ):
        for file in office.passed:
            os.close(file)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        try:
            name, status = outlive(children, office)
        except (KeyboardInterrupt, SystemExit):
            say_last(office, "\nClosing ..." if sys.stdout.isatty() else "Closing ...")
            raise
    return f"{name} ended unexpectedly ({status}); the office closes."


def outlive(children: Children, office: SupervisedOffice) -> tuple[str, int]:
    """Restart each helper whenever it ends; return which other child ended."""
    helpers = [*office.helpers, *[KEEPER] * bool(office.var)]
    rests = dict.fromkeys(helpers, FIRST_REST)
    begun = dict.fromkeys(helpers, time.monotonic())
    for helper in helpers:
        number = None
        if helper in office.forked:
            env = office.helpers[helper][1]
            number = release(office.forked[helper], env, office.inherited)
        if number is None:
            start(children, helper, office)
        else:
            children.adopt(helper, number)
    for line in office.welcome:
        say_line(office, line)
    while True:
        name, status = children.wait()
        helper = name.removesuffix(RESTS)
        if helper not in helpers:
            return name, status
        if name == helper:
            if time.monotonic() - begun[name] > LAST_REST:
                rests[name] = FIRST_REST
            words = f"{name} ended ({status}); it restarts in {rests[name]} s."
            office_logger.warning(words)
            # A child too, so that we notice meanwhile if any other ends.
            children.start(name + RESTS, ["sleep", str(rests[name])])
            rests[name] = min(2 * rests[name], LAST_REST)
        else:
            begun[helper] = time.monotonic()
            start(children, helper, office)


def start(children: Children, helper: str, office: SupervisedOffice) -> None:
    if helper == KEEPER:
        children.fork(helper, lambda: keep_postgres(Path(office.var)))
    else:
        command, env = office.helpers[helper]
        children.start(helper, command, env=env)


def keep_postgres(var: Path) -> None:
    """Restart the office's own PostgreSQL whenever it ends, until stopped."""
    try:
        with embedded_postgres.joined_server(var):
            embedded_postgres.keep(var, postgres_logger.warning)
    except embedded_postgres.ServerError as error:
        sys.exit(f"The server cannot be kept: {error}")


def say_last(office: SupervisedOffice, words: str) -> None:
    """Write a line whose readers may have gone, with their terminal."""
    with suppress(OSError):
        say_line(office, words)


def say_line(office: SupervisedOffice, words: str) -> None:
    """Write a line for the terminal, or for what collects the lines."""
    if office.log == "json":
        office_logger.info(words)
    else:
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
