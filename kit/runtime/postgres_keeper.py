"""Restart the office's own PostgreSQL whenever it ends, until stopped.

Usage: `python -m kit.runtime.postgres_keeper VAR line|json`, as a child of the office. It loads
neither Django nor the office: it only waits, and its memory is needed elsewhere.
"""

import logging
import signal
import sys
from pathlib import Path
from types import FrameType

from kit.runtime import embedded_postgres
from kit.runtime.logs import LINE, JSONFormatter, LineFormatter

logger = logging.getLogger("foreman.postgres")


def command(var: Path, log: str) -> list[str]:
    """Return what starts the keeper of the server under `var`."""
    return [sys.executable, "-m", __name__, str(var), log]


def main(var: str, log: str) -> None:
    handler = logging.StreamHandler(sys.stdout if log == "json" else sys.stderr)
    handler.setFormatter(JSONFormatter() if log == "json" else LineFormatter(LINE))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        with embedded_postgres.running(Path(var)):
            embedded_postgres.keep(Path(var), logger.warning)
    except embedded_postgres.ServerError as error:
        sys.exit(f"The server cannot be kept: {error}")


def end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main(*sys.argv[1:])
