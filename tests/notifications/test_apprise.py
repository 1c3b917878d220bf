"""Channels of Apprise: which addresses are taken, what leaves by them, and what is said of it."""

import json
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
import requests
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.notifications import apprise_channel, apprise_process, sending
from foreman_office.notifications.apprise_process import AddressError
from foreman_office.notifications.channels import check_address, masked
from foreman_office.notifications.chat_services import SERVICES
from foreman_office.notifications.delivering import attempt_delivery
from foreman_office.notifications.secrets import decrypt
from foreman_office.notifications.wording import Message
from governance.models import Channel
from tests.factories import ChannelFactory, DeliveryFactory, UserFactory
from tests.platform.conftest import ROOT

pytestmark = pytest.mark.django_db

APPRISE = Channel.Kind.APPRISE
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
TEAMS = "prod-1.westeurope.logic.azure.com:443"
ONE_OF_EACH = [
    SLACK,
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    f"workflows://{TEAMS}/643e69f83c8944/ZH-iajkdnlazkcOXrIdevi7FQ",
    f"https://{TEAMS}/workflows/643e69f83c8944/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=ZH-iajkdnlazkcOXrIdevi7FQ",
    "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "ntfys://ntfy.example.org/topic",
    "tgram://123456789:abcdefg_hijklmnop/12315544",
    "mmosts://chat.example.org/abcdefabcdefabcdefabcdefab",
    "rockets://web/hook@chat.example.org",
    "gchat://workspace/key/token",
    f"webex://{'a' * 90}",
    "zoom://webhook/token",
    f"zulip://bot@organization/{'a' * 32}/stream",
    "signals://signal.example.org/+15550001111/+15550002222",
    "gotifys://gotify.example.org/token",
    f"pover://{'u' * 30}@{'a' * 30}",
    "pagerduty://integration@apikey",
    "opsgenie://apikey",
]
# What services answer that took a message, in one.
TAKEN = {"ok": True, "status": 1, "result": "success", "success": True, "requestId": "1"}
TAKEN_BY_WORD = {"hooks.slack.com": b"ok"}
TEXT = "The builder says <b>&amp; @everyone <!channel>, ada@example.org"


def asked(address, body=TEXT):
    told = {"title": "Broken now", "body": body, "kind": "failure"}
    return {"id": "the-number", "address": address, **told}


@pytest.fixture
def wire(monkeypatch):
    """Take what Apprise sends, where a connection would be opened, and answer `status`."""

    class Wire:
        status = 200
        requests = []

    def send(adapter, request, **options):
        Wire.requests.append(request)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = Wire.status, request, request.url
        host = urlsplit(request.url).hostname
        answer._content = TAKEN_BY_WORD.get(host, json.dumps(TAKEN).encode())
        return answer

    Wire.requests = []
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    monkeypatch.setattr(requests.sessions, "Session", apprise_process.HeldSession)
    monkeypatch.setattr(apprise_process.HeldSession, "noted", [])
    return Wire


def test_each_listed_service_sends_one_message_as_text_over_tls(wire, subtests):
    for address in ONE_OF_EACH:
        with subtests.test(address=address):
            wire.requests.clear()
            assert apprise_process.send_asked(asked(address)) == {
                "taken": True,
                "result": "SUCCESS",
            }
            sent = [request for request in wire.requests if "builder" in str(request.body)]
            assert len(sent) == 1, wire.requests
            assert all(request.url.startswith("https://") for request in wire.requests)
            assert "<b>" not in str(sent[0].body) or "&amp;" in str(sent[0].body)
            assert "@everyone" not in str(sent[0].body)
    names = {SERVICES[each.partition("://")[0]].name for each in ONE_OF_EACH if "https" not in each}
    assert names == {service.name for service in SERVICES.values()}


def test_no_listed_service_says_sent_where_its_server_refuses(wire, subtests):
    wire.status = 500
    for address in ONE_OF_EACH:
        with subtests.test(address=address):
            told = apprise_process.send_asked(asked(address))
            assert (told["taken"], told["status"]) == (False, 500)


def test_services_that_take_html_get_text_that_is_escaped(wire):
    apprise_process.send_asked(asked("tgram://123456789:abcdefg_hijklmnop/12315544"))
    [request] = wire.requests
    assert "&lt;b&gt;&amp;amp;" in request.body
    assert "<b>&amp;" not in request.body


def test_services_that_can_know_a_message_that_comes_again_get_its_number(wire):
    for address in ("pagerduty://integration@apikey", "opsgenie://apikey"):
        apprise_process.send_asked(asked(address))
    told = [json.loads(request.body) for request in wire.requests]
    assert [told[0]["dedup_key"], told[1]["alias"]] == ["the-number", "the-number"]


def test_what_is_not_broken_is_told_to_pagers_too(wire):
    kind = apprise_channel.urgency_of(Message("Test message", "Nothing is wrong.", []))
    for address in ("pagerduty://integration@apikey", "opsgenie://apikey"):
        assert apprise_process.send_asked(asked(address) | {"kind": kind})["taken"]
    assert json.loads(wire.requests[0].body)["event_action"] == "trigger"
    assert "/close" not in wire.requests[1].url


def test_a_body_that_a_service_would_cut_keeps_its_link(wire):
    link = "https://office.example/decisions/blocker-task-1"
    apprise_process.send_asked(
        asked(f"pover://{'u' * 30}@{'a' * 30}", f"{'word ' * 900}\n\n{link}")
    )
    [request] = wire.requests
    assert len(request.body) < 2000
    assert "office.example" in request.body


def test_a_result_is_taken_for_a_success_only_if_it_is_one(wire, subtests):
    from apprise.result import AppriseResultStatus as Status

    wire.noted = apprise_process.HeldSession.noted
    wire.noted.append({"host": "h", "status": 200, "said": ""})

    class Result:
        def __init__(self, status):
            self.status = status

    results = [Result(status) for status in Status]
    cases = [(result, result.status is Status.SUCCESS) for result in results]
    cases += [(True, True), (False, False), (None, False), ("", False), (object(), False)]
    for result, taken in cases:
        with subtests.test(result=str(getattr(result, "status", result))):
            told = apprise_process.outcome(result)
            assert told["taken"] is taken
            assert (apprise_channel.result_of_apprise(told).why == "") is taken
    wire.noted.clear()
    assert not apprise_process.outcome(Result(Status.SUCCESS))["taken"], "nothing was sent"


# --- addresses ------------------------------------------------------------------------------------

UNLISTED = ["mailto://u:p@example.org", "syslog://", "dbus://", "file:///etc", "json://h/p"]
UNLISTED += ["exec://ls", "apprise://h/t", "nonsense", "ssh://h", "windows://", "gnome://"]
TWO = f"{SLACK}/#one/#two"
REFUSED = {
    "https://hooks.example.org/T0": "is of none of these services: Slack (slack://)",
    "slack://T1": "This is no address of Slack as Apprise writes them: slack://{token_a}/",
    TWO: "names 2 targets; name one",
    "ntfy://h/one,two": "names 2 targets",
    "tgram://123456789:abcdefg_hijklmnop": "lacks a chat",
    f"{SLACK}?retry=3&verify=no&redirect=yes": "Leave out of the address: redirect, retry, verify.",
    f"{SLACK}?template=/etc/passwd": "Leave out of the address: template.",
    f"{SLACK}?:name=value": "Leave out of the address: :name.",
    "ntfy://h/topic?attach=/etc/passwd": "Leave out of the address: attach.",
    "ntfy://h/topic?surprise=1": "Leave out of the address: surprise.",
    f"{SLACK}?optional=yes": "Leave out of the address: optional.",
}


def test_services_that_are_not_listed_are_refused_before_apprise_is_asked(subtests, monkeypatch):
    monkeypatch.setattr(apprise_channel, "ask_apprise", None)
    for address in UNLISTED:
        with subtests.test(address=address), pytest.raises(ValidationError) as refused:
            check_address(APPRISE, address)
        assert "is of none of these services: Slack (slack://)" in refused.value.message


def test_addresses_that_are_no_channel_are_refused_in_words(subtests):
    for address, words in REFUSED.items():
        with subtests.test(address=address), pytest.raises(AddressError) as refused:
            apprise_process.plugin_of(address)
        assert words in str(refused.value)
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in str(refused.value)


@pytest.mark.slow
def test_an_admin_makes_a_channel_of_apprise_whose_tokens_are_never_shown(client):
    client.force_login(UserFactory(roles=["admin"]))
    sent = {"name": "team", "kind": "apprise", "address": f"{SLACK}/#general"}
    assert client.post(reverse("channels"), sent).status_code == 302
    channel = Channel.objects.get()
    assert (channel.shown, channel.secret_encrypted) == ("Slack, slack://…", "")
    assert decrypt(channel.address_encrypted) == sent["address"]
    page = client.get(reverse("channels")).content.decode()
    assert "slack://…" in page
    assert "T1JJ3T3L2" not in page
    answer = client.post(reverse("channels"), sent | {"name": "other", "address": TWO})
    assert (answer.status_code, Channel.objects.count()) == (422, 1)
    assert "names 2 targets" in answer.content.decode()


def test_of_an_address_that_a_service_gives_out_its_host_is_shown():
    assert masked(APPRISE, "https://hooks.slack.com/services/T/B/x") == "https://hooks.slack.com/…"
    assert masked(APPRISE, "ntfy://a-secret-topic") == "ntfy, ntfy://…"


# --- by a process of its own, to a real server ----------------------------------------------------


def to(url, path):
    address = f"gotify://{url.partition('://')[2]}/{path}/token"
    return DeliveryFactory(channel=ChannelFactory(kind=APPRISE, address=address, secret=""))


def tried(row):
    attempt_delivery(str(row.pk), reconcile)
    row.refresh_from_db()
    return row


@pytest.mark.slow
def test_what_a_service_answers_decides_how_it_goes_on(hooks, subtests, monkeypatch):
    kept, url = hooks
    cases = {
        "200": ("sent", ""),
        "302": ("failed", "127.0.0.1 answers 302, a redirect, which is not followed."),
        "429": ("queued", "127.0.0.1 answers 429, and asks for a pause of 4000 s."),
        "hang": ("queued", "127.0.0.1 does not answer in time; the message may have arrived."),
    }
    for path, wanted in cases.items():
        with subtests.test(path=path):
            monkeypatch.setattr(sending, "READ", 0.3 if path == "hang" else 60)
            row = tried(to(url, path))
            assert (row.state, row.why) == wanted
            if path == "429":
                assert (row.due_at - now()).total_seconds() > 3000
    assert len(kept.requests) == len(cases), "one request for each, and no redirect followed"


def test_what_the_process_tells_is_said_in_words(subtests):
    host = {"taken": False, "result": "FAILURE", "host": "h"}
    cases = [
        ({"taken": True}, "", False),
        (host | {"status": 500}, "h answers 500.", False),
        (host | {"status": 404, "said": "no_service"}, "h answers 404 (no_service).", False),
        (host | {"status": 410}, "h says 410 Gone: it wants no messages.", True),
        (host | {"status": 200}, "h does not take the message.", False),
        (
            host | {"status": 200, "said": "bad_auth"},
            "h does not take the message: bad_auth.",
            False,
        ),
        (host | {"error": "ConnectTimeout"}, "h cannot be reached in time.", False),
        (host | {"error": "SSLError"}, "h cannot be reached (SSLError).", False),
        ({"refused": "This is no address of Slack."}, "This is no address of Slack.", True),
        ({"taken": False, "result": "NOMATCH"}, "Apprise did not send it (NOMATCH).", True),
    ]
    for told, why, is_final in cases:
        with subtests.test(why=why):
            result = apprise_channel.result_of_apprise(told)
            assert (result.why, result.is_final) == (why, is_final)
            assert result.is_gone == ("410" in why)


@pytest.mark.slow
def test_a_private_address_is_reached_only_if_the_setting_allows_it(hooks, settings):
    kept, url = hooks
    settings.FOREMAN_PRIVATE_CHANNELS = False
    row = tried(to(url, "200"))
    assert row.state == "failed"
    assert row.why == "127.0.0.1 is a private address, which no channel may reach."
    assert not kept.requests


def test_a_process_that_ends_without_an_answer_is_tried_again(hooks, monkeypatch, subtests):
    ends = {
        "os.kill(os.getpid(), signal.SIGALRM)": apprise_channel.TOO_LONG,
        "sys.exit(3)": "Apprise ended without an answer (status 3).",
    }
    for code, why in ends.items():
        with subtests.test(code=code):
            run = subprocess.run

            def ended(command, code=code, run=run, **options):
                program = f"import os, signal, sys; sys.stdin.read(); {code}"
                return run([sys.executable, "-c", program], **options)

            with monkeypatch.context() as patched:
                patched.setattr(apprise_channel.subprocess, "run", ended)
                row = tried(to(hooks[1], "200"))
            assert (row.state, row.why) == ("queued", why)


@pytest.mark.slow
def test_no_process_of_the_office_imports_apprise():
    program = (
        "import sys, django; django.setup();"
        "import foreman_office.urls, foreman_office.management.message_jobs;"
        "import foreman_office.notifications.worker, foreman_office.notifications.apprise_channel;"
        "print([name for name in sys.modules if name.partition('.')[0] == 'apprise'])"
    )
    env = {"DJANGO_SETTINGS_MODULE": "foreman_office.settings", "SECRET_KEY": "k" * 50}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
