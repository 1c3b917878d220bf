"""Install the packages of a lock, with little output: `python -I packages.py requirements.lock`.

It runs before anything is installed, so it knows Python alone.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PACKAGE = re.compile(r"^[\w.-]+(\[[\w,-]+\])?==", re.MULTILINE)
EVERY = 10  # seconds between two lines
# What pip says after its last attempt, and on the way to the wrong reason, or to none.
GAVE_UP = re.compile(r"Retry\(total=0.* connection broken by '(.*)': /")
IN_VAIN = re.compile("No matching distribution found|Max retries exceeded|Read timed out")
# Of that, what the system said.
BECAUSE = re.compile(r"Failed to establish a new connection: (.*?)[)\"']*$")


def install(lock: Path) -> int:
    """Install the packages with pip; return its exit status, having printed why if it failed."""
    number = len(PACKAGE.findall(lock.read_text()))
    print_line(f"Installing {number} package{'' if number == 1 else 's'} (once) ...")
    pip = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps"]
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [*pip, "--requirement", lock], stdout=subprocess.PIPE, stderr=complaints, text=True
        ) as process,
    ):
        said_at, found = time.monotonic(), 0
        for line in process.stdout or ():
            found += line.startswith("Collecting ")
            if time.monotonic() - said_at >= EVERY:
                said_at = time.monotonic()
                print_line(f"  {found} of {number}")
        status = process.wait()
        complaints.seek(0)
        if status:
            sys.stderr.write(explain_pip_error(complaints.read()))
    return status


def explain_pip_error(complaints: str) -> str:
    """Return pip's errors, or in one line that the index could not be reached."""
    broken = GAVE_UP.findall(complaints)
    if not broken or not IN_VAIN.search(complaints):
        return complaints
    system = BECAUSE.search(broken[-1])
    return f"The package index cannot be reached: {system[1] if system else broken[-1]}\n"


def print_line(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(install(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit("Stopped. What is not installed yet is installed the next time.")
