#!/usr/bin/env bash
# Django: a message whose second recipient the mail server refused is counted as sent, without an error.
#
# One would expect: an error, or a count that shows that one of two people has no mail.
# What happens: send_mail() returns 1. smtplib raises only when all recipients are refused; when some are, it returns a
#   dictionary of the refused ones, and Django's SMTP backend throws that away. Nothing is logged.
# Versions: Django 6.1.3, aiosmtpd 1.4.6 (PyPI).
# Why it matters: an alarm that goes to several people may fail to reach one of them for years. One message per
#   recipient makes the refusal an exception.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django==6.1.3 aiosmtpd==1.4.6
"$work/venv/bin/python" -W ignore - <<'EOF'
import importlib.metadata, socket, sys
import django
from aiosmtpd.controller import Controller
from django.conf import settings

delivered = []


class MailServer:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("left"):
            return "550 5.1.1 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        delivered.append(envelope.rcpt_tos)
        return "250 OK"


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
settings.configure(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port)
django.setup()
from django.core.mail import send_mail

controller = Controller(MailServer(), hostname="127.0.0.1", port=port)
controller.start()
sent = send_mail("A builder is silent", "Since noon.", "office@example.org", ["here@example.org", "left@example.org"])
try:
    send_mail("A builder is silent", "Since noon.", "office@example.org", ["left@example.org"])
    alone = "sent"
except Exception as error:
    alone = type(error).__name__
controller.stop()
print("version: Django", django.get_version(), "aiosmtpd", importlib.metadata.version("aiosmtpd"))
print("seen: two recipients: counted", sent, "delivered to", delivered, "| the refused one alone:", alone)
if (sent, delivered, alone) != (1, [["here@example.org"]], "SMTPRecipientsRefused"):
    sys.exit("not as described: Django has changed")
print("as expected by this finding")
EOF
