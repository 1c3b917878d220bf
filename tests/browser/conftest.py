"""A real browser against a real server; whatever the page complains of fails the test."""

import os
import re
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from playwright.sync_api import expect, sync_playwright

from kit.live.hub import hub
from tests.choice import find_tool
from tests.factories import UserFactory
from tests.races import PATIENCE, until

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Violations of the policy are not on the console in every Chromium: the page itself is asked.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""

# Counts what a page asks for again, for those who wait until it is quiet.
COUNT = """
window.questions = {open: 0, took: 0, ended: 0};
const ask = window.fetch;
window.fetch = async (...question) => {
  const began = performance.now();
  questions.open += 1;
  try {
    return await ask(...question);
  } finally {
    questions.ended = performance.now();
    questions.took = questions.ended - began;
    questions.open -= 1;
  }
};
"""
# What is touched meanwhile, a page asks for after a rest: the longer, the longer it waited before.
QUIET = """
new Promise((done) => {
  const began = performance.now();
  const look = () => {
    const {open, took, ended} = questions;
    if (!open && performance.now() > Math.max(began, ended) + 500 + took) done();
    else setTimeout(look, 50);
  };
  look();
})
"""

# Whatever a page asks for again, it is told that nothing is new: its elements stay the same.
STILL = """
const send = window.fetch;
window.fetch = async (address, options) => options?.headers?.["Foreman-Parts"]
  ? new Response(null, {status: 304}) : send(address, options);
"""


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for each worker."""
    found = find_tool("Chromium")
    assert found, "Chromium is missing: apt install chromium"
    # Playwright keeps an event loop in this thread; Django would refuse the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Complaints(list):
    """Messages of the console, errors of scripts and violations of the policy."""

    def __init__(self):
        super().__init__()
        self.provoked = ()

    def expect(self, *parts):
        """Ignore the complaints that contain one of `parts`, earlier and later ones."""
        self.provoked += parts

    def unexpected(self):
        return [words for words in self if not any(part in words for part in self.provoked)]


@pytest.fixture
def complaints():
    """What pages complained of; a test says what it provokes, which may arrive after its end."""
    return Complaints()


@pytest.fixture
def browse(chromium, live_server, complaints):
    """Open pages as a person would: `browse(width=390, color_scheme="dark", user=...)`.

    A page that is only looked at is opened `still`: what is drawn again meanwhile is replaced, and
    an element in hand would be gone.
    """
    contexts = []

    def open_page(
        *, width=1440, height=900, color_scheme="light", user=None, still=False, **options
    ):
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(LISTEN + (STILL if still else COUNT))
        if user:
            context.add_cookies([session_of(user, live_server.url)])
        page = context.new_page()
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            complaints += page.evaluate("window.violations ?? []")
        context.close()
    assert complaints.unexpected() == []


def settle(page):
    """Wait until an open page has asked for all that it missed, and for all that happened so far.

    Each part that is drawn again replaces its elements, with what one has just measured.
    """
    expect(page.locator("#freshness")).to_have_attribute("data-state", re.compile("live|polling"))
    if hub.listening:
        last = f"last:{uuid4()}"
        connection.cursor().execute("SELECT pg_notify('foreman', %s)", [last])
        until(lambda: last in hub._told and not hub._withheld)
    page.evaluate(QUIET)


@pytest.fixture
def foreman(transactional_db):
    return UserFactory(username="johan")


def session_of(user, url):
    """Log a person in without the form, as `force_login` does."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    return {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
        "url": url,
    }
