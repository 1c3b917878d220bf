"""Hand a message to its channel, and say truly how that went."""

import base64
import hashlib
import hmac
import json
import secrets
import smtplib
import time
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.timezone import now

from foreman_office.notifications.apprise_channel import send_by_apprise
from foreman_office.notifications.network import (
    PrivateAddressError,
    TimeLimit,
    cause_among,
    checked_session,
)
from foreman_office.notifications.results import SendingResult, result_of_status, unreached
from foreman_office.notifications.secrets import decrypt
from foreman_office.notifications.wording import Message
from governance.models import Channel, Delivery

CONNECT, READ = 3, 7  # seconds that a webhook has
WEBHOOK_SECRET = "whsec_"  # noqa: S105  what such a secret begins with
UNREADABLE = (
    "The channel's address cannot be decrypted: FOREMAN_CHANNEL_KEYS or SECRET_KEY is another one"
    " now. Enter the address again."
)


def hand_over(delivery: Delivery, message: Message) -> SendingResult:
    channel = delivery.channel
    if channel is None:
        return send_mail(delivery, message, delivery.user.email if delivery.user else "")
    address = decrypt(channel.address_encrypted)
    if address is None:
        return SendingResult(UNREADABLE, is_final=True)
    match channel.kind:
        case Channel.Kind.EMAIL:
            return send_mail(delivery, message, address)
        case Channel.Kind.WEBHOOK:
            return send_webhook(delivery, message, address, decrypt(channel.secret_encrypted))
        case Channel.Kind.APPRISE:
            return send_by_apprise(str(delivery.pk), message, address, timeout=(CONNECT, READ))
    return SendingResult(f"This office has no channels of the kind {channel.kind}.", is_final=True)


# --- e-mail ---------------------------------------------------------------------------------------


def send_mail(delivery: Delivery, message: Message, address: str) -> SendingResult:
    """Send to one address: of a message to two, a server may refuse one and take the other."""
    if not address:
        return SendingResult("There is no e-mail address.", is_final=True)
    domain = settings.FOREMAN_MAIL_FROM.rpartition("@")[2].strip("<> ") or "localhost"
    mail = EmailMessage(
        subject=message.subject,
        body=message.body,
        from_email=settings.FOREMAN_MAIL_FROM,
        to=[address],
        headers={
            # The same in each attempt, by which a receiver knows a message that came twice.
            "Message-ID": f"<{delivery.pk}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        return refused_by_server(code, said, "refuses the address")
    except smtplib.SMTPResponseException as error:
        return refused_by_server(error.smtp_code, error.smtp_error, "does not take the message")
    except (OSError, smtplib.SMTPException) as error:
        return SendingResult(f"The mail server cannot be used ({type(error).__name__}).")
    except ValueError:  # a line break in an address or in a subject
        return SendingResult("The address is no e-mail address.", is_final=True)
    return SendingResult()


def refused_by_server(code: int, said: bytes | str, what: str) -> SendingResult:
    """Return what a mail server answered; 5xx is its last word."""
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    return SendingResult(f"The mail server {what}: {code} {words[:200]}", is_final=code >= 500)


# --- signed webhooks ------------------------------------------------------------------------------


def new_secret() -> str:
    return WEBHOOK_SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of Standard Webhooks: HMAC-SHA256 of id, time and body."""
    key = base64.b64decode(secret.removeprefix(WEBHOOK_SECRET))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def send_webhook(
    delivery: Delivery, message: Message, url: str, secret: str | None
) -> SendingResult:
    if not secret:
        return SendingResult(UNREADABLE, is_final=True)
    body = webhook_body(delivery, message)
    host, sent_at = urlsplit(url).hostname or "", int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Foreman-Office",
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": str(sent_at),
        "webhook-signature": signature(secret, str(delivery.pk), sent_at, body),
    }
    limit = TimeLimit(CONNECT + READ)
    try:
        with limit, checked_session() as session:
            answer = session.post(
                url,
                data=body,
                headers=headers,
                timeout=(CONNECT, READ),
                allow_redirects=False,
                stream=True,  # of the answer, its status is enough
            )
            answer.close()
    except (requests.RequestException, ValueError) as error:
        if private := cause_among(error, PrivateAddressError):
            return SendingResult(f"{private}.", is_final=True)
        return unreached(host, "Timeout" if limit.is_over else type(error).__name__)
    return result_of_status(host, answer.status_code, answer.headers.get("Retry-After"))


def webhook_body(delivery: Delivery, message: Message) -> bytes:
    return json.dumps(
        {
            "type": f"foreman.{delivery.reason}",
            "timestamp": now().isoformat(),
            "data": {
                "delivery_id": str(delivery.pk),
                "subject": message.subject,
                "text": message.body,
                "decisions": message.data,
                "decisions_left_out": message.left_out,
            },
        }
    ).encode()
