"""Witnesses outside of the database, who are told of new checkpoints.

The file is written by the watcher itself. What goes over the network has a thread of its own and no
transaction: a witness that is away keeps nobody waiting, is tried again, and is told the newest
checkpoint then, which vouches for all before it.
"""

from datetime import timedelta
from threading import Thread
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F, Q, QuerySet

from governance.models import Checkpoint, WitnessProgress
from governance.sealing.stored_tree import last_checkpoint
from governance.sealing.witness_file import append, last_note, witness_path
from kit.core.sql import ContractNow

CONNECT, READ = 3, 7  # seconds that a webhook has
MAIL_EVERY = timedelta(hours=1)  # people read these
RETRY = timedelta(seconds=30)
MOST = 1_000  # checkpoints that are appended to the file at once


class WitnessFile:
    """The file under var/, which gets every checkpoint."""

    def __init__(self) -> None:
        self.told: int | None = None  # the number of the last checkpoint in the file

    name = "FOREMAN_WITNESS_FILE"

    def tell(self) -> str:
        """Append what the file lacks; return why that failed, or the empty text."""
        if self.told is None:
            self.told = self.last_told()
        missing = [*Checkpoint.objects.filter(number__gt=self.told).order_by("number")[:MOST]]
        if not missing:
            return ""
        try:
            append(missing)
        except OSError as error:
            return f"the witness file {witness_path()} cannot be written: {error.strerror}"
        self.told = missing[-1].number
        return ""

    def last_told(self) -> int:
        """Return the checkpoint that the file ends with, or the one before the newest."""
        note = last_note()
        known = note and Checkpoint.objects.filter(note=note).first()
        last = last_checkpoint()
        return known.number if known else last.number - 1 if last else 0


class RemoteWitness:
    """A witness over the network, who is told the newest checkpoint."""

    name = ""
    every = timedelta(0)

    def __init__(self) -> None:
        self.thread: Thread | None = None
        self.number = 0
        self.failure = ""  # of the last attempt

    def send(self, checkpoint: Checkpoint) -> str:
        """Hand over a checkpoint; return why that failed, or the empty text."""
        raise NotImplementedError

    def tell(self) -> str:
        """Begin to tell the newest checkpoint, if it is time; return why the last one failed."""
        if self.thread and not self.thread.is_alive():
            self.settle()
        if not self.thread and (checkpoint := self.claim()):
            self.number = checkpoint.number
            self.thread = Thread(target=self.attempt, args=[checkpoint], daemon=True)
            self.thread.start()
        return self.failure

    def attempt(self, checkpoint: Checkpoint) -> None:
        """Send, in a thread that asks nothing of the database."""
        self.failure = self.send(checkpoint)

    def settle(self) -> None:
        """Write down how the attempt that has ended went."""
        self.thread = None
        done = {} if self.failure else {"told": self.number, "told_at": ContractNow()}
        self.row().update(failure=self.failure, **done)

    def claim(self) -> Checkpoint | None:
        """Return the newest checkpoint if it is ours to tell; other watchers tell it too."""
        last = last_checkpoint()
        if not last:
            return None
        if not self.row().exists():
            WitnessProgress.objects.bulk_create(
                [WitnessProgress(witness=self.name)], ignore_conflicts=True
            )
        is_due = Q(told_at=None) | Q(told_at__lte=ContractNow() - self.every)
        is_rested = (
            Q(tried_at=None)
            | Q(told_at__gte=F("tried_at"))
            | Q(tried_at__lte=ContractNow() - RETRY)
        )
        free = self.row().filter(is_due, is_rested, told__lt=last.number)
        return last if free.update(tried_at=ContractNow()) else None

    def row(self) -> QuerySet[WitnessProgress]:
        return WitnessProgress.objects.filter(witness=self.name)


class Webhook(RemoteWitness):
    """An address that is sent each newest checkpoint as text, by POST."""

    name = "FOREMAN_WITNESS_URL"

    def send(self, checkpoint: Checkpoint) -> str:
        url = settings.FOREMAN_WITNESS_URL
        host = urlsplit(url).hostname  # the rest of an address may be a secret
        try:
            answer = requests.post(
                url,
                data=checkpoint.note.encode(),
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=(CONNECT, READ),
                allow_redirects=False,
            )
        except requests.Timeout:
            return f"{host} does not answer in time"
        except (requests.RequestException, ValueError) as error:
            return f"{host} cannot be reached ({type(error).__name__})"
        return "" if answer.ok and not answer.is_redirect else f"{host} says {answer.status_code}"


class Mail(RemoteWitness):
    """Addresses that get the newest checkpoint by e-mail, at most once an hour."""

    name = "FOREMAN_WITNESS_MAIL"
    every = MAIL_EVERY

    def send(self, checkpoint: Checkpoint) -> str:
        message = EmailMessage(
            subject=f"Checkpoint {checkpoint.number} over {checkpoint.size} records",
            body=checkpoint.note,
            from_email=settings.FOREMAN_MAIL_FROM,
            to=settings.FOREMAN_WITNESS_MAIL,
        )
        try:
            message.send()
        except OSError as error:
            return f"the mail server does not take it ({type(error).__name__})"
        return ""


def witnesses() -> list[WitnessFile | RemoteWitness]:
    """Return those that the settings name."""
    found: list[WitnessFile | RemoteWitness] = [WitnessFile()]
    if settings.FOREMAN_WITNESS_URL:
        found.append(Webhook())
    if settings.FOREMAN_WITNESS_MAIL:
        found.append(Mail())
    return found
