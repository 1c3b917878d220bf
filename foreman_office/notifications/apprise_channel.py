"""Channels of Apprise: each address is judged and each message sent by a process of its own."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from foreman_office.notifications.chat_services import (
    OWN_ADDRESSES,
    SERVICES,
    known_services,
    scheme_of,
)
from foreman_office.notifications.results import SendingResult, result_of_status, unreached
from foreman_office.notifications.wording import Message

PROCESS = "foreman_office.notifications.apprise_process"
PATIENCE = 40  # seconds: on a machine that is busy, a process needs some to begin
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
TOO_LONG = "The service does not answer in time; the message may have arrived."


def check_service_address(address: str) -> None:
    """Raise ValidationError where Apprise could not send to an address."""
    if scheme_of(address) not in (*SERVICES, *OWN_ADDRESSES):
        raise ValidationError(
            f"The address is of none of these services: {known_services()}.", code="invalid"
        )
    told = ask_apprise({"address": address, "timeout": (1, 1)})
    if why := told.get("refused") or told.get("ended"):
        raise ValidationError(why, code="invalid")


def send_by_apprise(
    number: str, message: Message, address: str, timeout: tuple[float, float]
) -> SendingResult:
    """Send a message; by its number, services that can know one that came before."""
    told = ask_apprise(
        {
            "id": number,
            "address": address,
            "timeout": timeout,
            "title": message.subject,
            "body": message.body,
            "kind": urgency_of(message),
        }
    )
    return result_of_apprise(told)


def urgency_of(message: Message) -> str:
    """Return how urgent a message is, in Apprise's words: it chooses colours and severities.

    Never "info": of that, Opsgenie makes a note on an alert, and tells nobody.
    """
    is_broken = any(decision["band"] == "broken" for decision in message.data)
    return "failure" if is_broken else "warning"


def result_of_apprise(told: dict[str, Any]) -> SendingResult:
    """Return how an attempt went, by what the process told."""
    host = told.get("host", "")
    if told.get("taken"):
        return SendingResult()
    if ended := told.get("ended"):
        return SendingResult(ended)
    if refused := told.get("refused"):
        return SendingResult(refused, is_final=True)
    if private := told.get("private"):
        return SendingResult(f"{private}.", is_final=True)
    if error := told.get("error"):
        return unreached(host, error)
    if status := told.get("status"):
        result = result_of_status(host, status, told.get("retry_after"), told.get("said", ""))
        said = f": {told['said']}" if told.get("said") else ""
        return result if result.why else SendingResult(f"{host} does not take the message{said}.")
    return SendingResult(f"Apprise did not send it ({told.get('result')}).", is_final=True)


def ask_apprise(question: dict[str, Any]) -> dict[str, Any]:
    """Return what the process answers; `ended` says why if it does not.

    The address is written to it: arguments and variables of a process can be read by others.
    """
    asked = json.dumps({**question, "private": settings.FOREMAN_PRIVATE_CHANNELS})
    try:
        done = subprocess.run(
            [sys.executable, "-m", PROCESS],
            input=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what Apprise logs may repeat an address
            text=True,
            timeout=PATIENCE,
            cwd=settings.BASE_DIR,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            process_group=0,  # Ctrl-C in the terminal does not end it half-way
        )
    except subprocess.TimeoutExpired:
        return {"ended": TOO_LONG}
    if done.returncode == -signal.SIGALRM:
        return {"ended": TOO_LONG}
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"ended": f"Apprise ended without an answer (status {done.returncode})."}
    return told
