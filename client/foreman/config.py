"""Where the client keeps what: the address and token, and the state of each builder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foreman.errors import ForemanError, NotLoggedIn
from foreman.office import checked_address

NAME = "foreman-office"
LOG_IN = "Run `foreman login`, or set FOREMAN_URL and FOREMAN_TOKEN."


class Account(NamedTuple):
    url: str
    token: str

    @property
    def state(self) -> Path:
        """Return the directory of all that is kept about this office."""
        place = re.sub(r"[^a-z0-9.-]+", "_", self.url.partition("//")[2].lower())[:60]
        return _base("XDG_STATE_HOME", ".local/state") / f"{place}-{_digest(self.url)[:8]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _base(variable: str, default: str) -> Path:
    given = os.environ.get(variable, "")
    # A relative path is to be ignored, says the XDG specification.
    return (Path(given) if os.path.isabs(given) else Path.home() / default) / NAME


def config_file() -> Path:
    return _base("XDG_CONFIG_HOME", ".config") / "client.json"


def account() -> Account:
    """Return the address and the token; variables of the environment come first."""
    kept = read_json(config_file())
    url = os.environ.get("FOREMAN_URL") or str(kept.get("url", ""))
    token = os.environ.get("FOREMAN_TOKEN")
    # A token is for its own office: it is not sent to another one that a variable names.
    if not token and (not url or checked_address(url) == kept.get("url")):
        token = str(kept.get("token", ""))
    if not url:
        raise NotLoggedIn(f"The address of the office is missing. {LOG_IN}")
    if not token:
        raise NotLoggedIn(f"The token for {url} is missing. {LOG_IN}")
    return Account(checked_address(url), checked_token(token))


def checked_token(text: str) -> str:
    """Return a token without the spaces around it; one with others would be no header."""
    token = text.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NotLoggedIn("The token has characters that no token has.")
    return token


def save(account: Account) -> Path:
    """Keep the address and the token in a file that only its owner reads."""
    write_json(config_file(), account._asdict())
    return config_file()


class Identity(NamedTuple):
    """Whose token it is, and its task as the office told it last."""

    name: str  # of the builder; of a CI token a name that nobody else has
    is_ci: bool = False
    task_id: str | None = None
    task_name: str = ""
    clock: float = 0.0  # seconds by which the office's clock is ahead

    @classmethod
    def of_ci(cls, account: Account) -> Identity:
        return cls(f"ci-{_digest(account.token)[:12]}", is_ci=True)


def _identity_file(account: Account) -> Path:
    return account.state / f"token-{_digest(account.token)[:16]}.json"


def known_identity(account: Account) -> Identity | None:
    """Return what the office told last, which is all that is known while it is away."""
    kept = read_json(_identity_file(account))
    try:
        return Identity(**kept)
    except TypeError:
        return None


def keep_identity(account: Account, identity: Identity) -> None:
    if identity != known_identity(account):
        write_json(_identity_file(account), identity._asdict())


def read_json(file: Path) -> dict[str, Any]:
    """Return what a file of ours holds; nothing if it is missing or damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    write_whole(file, json.dumps(content, indent=1).encode())


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that is there completely or not at all, also after a power failure."""
    try:
        make_directory(file.parent)
        number, draft = tempfile.mkstemp(prefix=".draft-", dir=file.parent)  # with mode 0600
        try:
            with os.fdopen(number, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(draft, file)
        except BaseException:
            os.unlink(draft)
            raise
        sync_directory(file.parent)
    except OSError as error:
        raise ForemanError(
            f"{file} cannot be written: {error.strerror}. XDG_CONFIG_HOME and XDG_STATE_HOME"
            " choose other places."
        ) from error


def make_directory(directory: Path) -> None:
    """Make a directory with those above it; each that is new is its owner's alone."""
    for each in (*reversed(directory.parents), directory):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def sync_directory(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
