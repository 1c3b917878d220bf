"""How messages leave by real servers, and what is said of those that do not arrive."""

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.core import mail
from django.db import connection
from django.utils.timezone import now

from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.notifications import actions, delivering, network, results, sending
from foreman_office.notifications.channels import masked
from foreman_office.notifications.delivering import attempt_delivery
from foreman_office.notifications.rules import Target
from foreman_office.notifications.secrets import decrypt, encrypt
from governance.models import Channel, Delivery, Notice, OfficeLogEntry
from tests.factories import (
    ChannelFactory,
    DeliveryFactory,
    GovernanceViolationFactory,
    TaskFactory,
    UserFactory,
)
from tests.notifications.receiver import mail_server

pytestmark = pytest.mark.django_db

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def tried(row, times=1):
    for _ in range(times):
        attempt_delivery(str(row.pk), reconcile)
    row.refresh_from_db()
    return row


def jobs():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'")
        return cursor.fetchone()[0]


def to(url, **more):
    return DeliveryFactory(channel=ChannelFactory(address=url, secret=SECRET), **more)


def test_a_webhook_is_signed_as_standard_webhooks_has_it(hooks):
    kept, url = hooks
    row = tried(to(f"{url}/200"))
    assert (row.state, row.why, row.attempts) == ("sent", "", 1)
    [(_, headers, body)] = kept.requests
    assert headers["webhook-id"] == str(row.pk)
    signed = f"{row.pk}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.digest(b"k" * 32, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    told = json.loads(body)
    assert (told["type"], told["data"]["delivery_id"]) == ("foreman.test", str(row.pk))


def test_what_a_webhook_answers_decides_how_it_goes_on(hooks, subtests, monkeypatch):
    kept, url = hooks
    cases = {
        "500": ("queued", "127.0.0.1 answers 500."),
        "404": ("queued", "127.0.0.1 answers 404."),
        "429": ("queued", "127.0.0.1 answers 429, and asks for a pause of 4000 s."),
        "302": ("failed", "127.0.0.1 answers 302, a redirect, which is not followed."),
        "410": ("failed", "127.0.0.1 says 410 Gone: it wants no messages."),
        "hang": ("queued", "127.0.0.1 does not answer in time; the message may have arrived."),
        "drop": ("queued", "127.0.0.1 cannot be reached (ConnectionError)."),
    }
    for path, wanted in cases.items():
        with subtests.test(path=path):
            monkeypatch.setattr(sending, "READ", 0.3 if path == "hang" else 60)
            before = jobs()
            row = tried(to(f"{url}/{path}"))
            assert (row.state, row.why) == wanted
            assert jobs() - before == (row.state == "queued")
    assert "/200" not in [path for path, *_ in kept.requests]


def test_who_answers_a_byte_now_and_then_is_too_late_as_well(hooks, monkeypatch):
    monkeypatch.setattr(sending, "READ", 1)
    monkeypatch.setattr(sending, "CONNECT", 1)
    row = tried(to(f"{hooks[1]}/drip"))
    assert row.state == "queued"
    assert row.why == "127.0.0.1 does not answer in time; the message may have arrived."


def test_a_receiver_that_asks_for_a_pause_is_left_alone_for_it(hooks):
    row = tried(to(f"{hooks[1]}/429"))
    assert timedelta(seconds=3900) < row.due_at - now() <= timedelta(seconds=4000)


def test_of_what_a_receiver_asks_for_only_a_pause_is_honoured(subtests):
    later = datetime.now(UTC) + timedelta(hours=1)
    cases = {
        "120": timedelta(seconds=120),
        "0": timedelta(),
        "-5": timedelta(),
        "soon": timedelta(),
        "": timedelta(),
        None: timedelta(),
        "9" * 400: results.LONGEST_PAUSE,
        "Wed, 21 Oct 2015 07:28:00 GMT": timedelta(),
        "Wed, 21 Oct 2099 07:28:00 GMT": results.LONGEST_PAUSE,
    }
    for header, pause in cases.items():
        with subtests.test(header=header):
            assert results.asked_pause(header) == pause
    assert results.asked_pause(format_datetime(later, usegmt=True)) > timedelta(minutes=59)


def test_410_disables_the_channel_and_says_so(hooks):
    row = tried(to(f"{hooks[1]}/410"))
    row.channel.refresh_from_db()
    assert row.channel.disabled_at
    assert "410 Gone" in row.channel.disabled_because
    later = tried(DeliveryFactory(channel=row.channel))
    assert later.state == "suppressed"
    assert later.why.startswith("The channel is disabled.")
    assert OfficeLogEntry.objects.filter(action="channel_edited").exists()


def test_a_message_that_never_arrives_ends_as_a_card(hooks, sweep):
    kept, url = hooks
    row = tried(to(f"{url}/500"), delivering.MOST_ATTEMPTS)
    assert (row.state, row.attempts) == ("failed", delivering.MOST_ATTEMPTS)
    assert len({headers["webhook-id"] for _, headers, _ in kept.requests}) == 1
    sweep()
    notice = Notice.objects.open().get(kind="delivery")
    assert notice.broken
    assert notice.title == f"1 message did not reach {row.channel.name}"
    actions.set_aside(Delivery.objects.filter(pk=row.pk), by=UserFactory())
    sweep()
    assert not Notice.objects.open().filter(kind="delivery").exists()
    assert actions.send_again(Delivery.objects.filter(pk=row.pk), by=UserFactory()) == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.settled_at) == ("queued", 0, None)


def test_a_message_whose_worker_is_killed_each_time_ends(hooks):
    row = to(f"{hooks[1]}/200", attempts=delivering.MOST_ATTEMPTS)
    assert tried(row).why == "The worker ended while it was sending this."
    assert not hooks[0].requests


# --- private addresses ----------------------------------------------------------------------------


def test_no_private_address_is_reached(subtests):
    private = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0"]
    private += ["::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
    private += ["2002:7f00:1::", "224.0.0.1", "::"]
    for address in private:
        with subtests.test(address=address):
            assert not network.is_public_address(address)
    for address in ("93.184.216.34", "2606:2800:220:1::1"):
        assert network.is_public_address(address)


def test_a_name_that_leads_to_a_private_address_is_refused_after_it_was_looked_up(
    hooks, settings, monkeypatch
):
    settings.FOREMAN_PRIVATE_CHANNELS = False
    kept, url = hooks
    port = int(url.rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(network.socket, "getaddrinfo", lambda *args, **options: found)
    row = tried(to(f"http://hooks.example.org:{port}/200"))
    assert row.state == "failed"
    assert row.why == "hooks.example.org is a private address, which no channel may reach."
    assert not kept.requests


def test_other_libraries_are_checked_too_in_a_worker(hooks):
    import requests
    from urllib3.util import connection as urllib3_connection

    usual = urllib3_connection.create_connection
    with network.all_connections_checked():
        assert requests.post(f"{hooks[1]}/200", timeout=5).status_code == 200
        assert urllib3_connection.create_connection is network.connect_if_allowed
    assert urllib3_connection.create_connection is usual


# --- e-mail ---------------------------------------------------------------------------------------


@pytest.fixture
def mailbox(settings):
    with mail_server() as (box, port):
        settings.MAILERS = {
            "default": {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 5},
            }
        }
        yield box


def by_mail(address, **more):
    channel = ChannelFactory(kind=Channel.Kind.EMAIL, address=address, shown=address)
    return DeliveryFactory(channel=channel, **more)


def test_a_mail_server_that_refuses_an_address_is_believed(mailbox):
    told = {
        address: tried(by_mail(f"{address}@example.org")) for address in ("ada", "nobody", "later")
    }
    states = {address: row.state for address, row in told.items()}
    assert states == {"ada": "sent", "nobody": "failed", "later": "queued"}
    assert told["nobody"].why == "The mail server refuses the address: 550 no such mailbox"
    assert told["later"].why == "The mail server refuses the address: 451 try again later"
    [(recipients, text)] = mailbox.messages
    assert recipients == ["ada@example.org"]
    assert f"Message-ID: <{told['ada'].pk}@localhost>" in text


def test_of_two_addressees_one_is_refused_and_the_other_told_once(
    mailbox, ada, sweep, later, deliver
):
    UserFactory(username="bob", email="nobody@example.org", roles=["foreman"])
    GovernanceViolationFactory(task=TaskFactory())
    sweep()
    later(minutes=3)
    sweep()
    assert {row.user.username: row.state for row in deliver()} == {"ada": "sent", "bob": "failed"}
    sweep()
    assert len(deliver()) == 2
    assert [recipients for recipients, _ in mailbox.messages] == [["ada@example.org"]]
    assert (
        Notice.objects.open().get(kind="delivery").title == "1 message did not reach bob, by e-mail"
    )


def test_mail_that_is_not_set_up_says_so(settings):
    settings.FOREMAN_MAIL_IS_SET_UP = False
    row = tried(by_mail("ada@example.org"))
    assert (row.state, row.why) == ("failed", delivering.MAIL_IS_NOT_SET_UP)
    assert not mail.outbox


def test_a_mail_server_that_is_away_is_tried_again(settings):
    with mail_server() as (_, port):
        pass
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 5},
        }
    }
    row = tried(by_mail("ada@example.org"))
    assert row.state == "queued"
    assert row.why == "The mail server cannot be used (ConnectionRefusedError)."


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_are_decrypted_by_old_keys_and_masked(settings):
    settings.FOREMAN_CHANNEL_KEYS = ["old key"]
    stored = encrypt("https://hooks.example.org/services/T0/secret")
    settings.FOREMAN_CHANNEL_KEYS = ["new key", "old key"]
    assert decrypt(stored) == "https://hooks.example.org/services/T0/secret"
    settings.FOREMAN_CHANNEL_KEYS = ["new key"]
    assert decrypt(stored) is None
    assert masked("webhook", "https://u@hooks.example.org:8443/a?b=c") == (
        "https://hooks.example.org:8443/…"
    )


def test_a_channel_whose_key_is_lost_says_so(settings):
    row = to("https://hooks.example.org/200")
    settings.FOREMAN_CHANNEL_KEYS = ["another key"]
    assert tried(row).why == sending.UNREADABLE


def test_a_test_message_is_queued_for_a_worker():
    row = actions.send_test(Target(ChannelFactory()), by=UserFactory())
    assert (row.state, row.reason, jobs()) == ("queued", "test", 1)
