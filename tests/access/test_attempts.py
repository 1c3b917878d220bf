"""Who guesses passwords is slowed down and refused, and keeps nobody else out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse

from foreman_office.access import attempts
from foreman_office.access.attempts import MOST, MOST_OF_ADDRESS, MOST_OF_NAME, Failures
from foreman_office.login_link import make_login_link
from governance.models import LoginAttempt
from tests.factories import UserFactory
from tests.races import PATIENCE, until

pytestmark = pytest.mark.django_db

LOGIN = "/login/"
WINDOW = attempts.WINDOW.total_seconds()


@pytest.fixture
def ada(db):
    return UserFactory(username="ada", password="right")


def log_in(name="ada", password="wrong", address="10.0.0.1", **headers):
    form = {"username": name, "password": password}
    return Client().post(LOGIN, form, REMOTE_ADDR=address, headers=headers)


def let_pass(seconds):
    """Make what is counted older, as if time had passed."""
    LoginAttempt.objects.update(at=F("at") - timedelta(seconds=seconds))


def guess(times, each=lambda number: {}, by=log_in, taken=200):
    """Guess as often as it is taken, with the pauses that it takes."""
    for number in range(times):
        let_pass(2 ** max(0, number - attempts.AT_ONCE))
        assert by(**each(number)).status_code == taken


# So often that the next attempt has to wait for longer than any test takes.
OFTEN = 9


@pytest.mark.parametrize(
    ("failed", "wait"),
    [
        (Failures([], [], 0), 0),
        (Failures([1, 2], [1, 2], 2), 0),
        (Failures([0, 1, 2], [0, 1, 2], 3), 1),
        (Failures([1, 2, 3], [1, 2, 3], 3), 0),
        (Failures([2, *[50] * 5], [2, *[50] * 5], 6), 6),
        (Failures([0] * MOST, [0] * MOST, 10), WINDOW),
        (Failures([5] * MOST, [5] * MOST, 10), WINDOW - 5),
        # Others' names from the same address, and others' addresses for the same name.
        (Failures([], [9] * (MOST_OF_ADDRESS - 1), 0), 0),
        (Failures([], [9] * MOST_OF_ADDRESS, 0), WINDOW - 9),
        (Failures([], [], MOST_OF_NAME), 0),
        (Failures([99, 99], [99, 99], MOST_OF_NAME), 0),
        (Failures([99, 99, 99], [99, 99, 99], MOST_OF_NAME), WINDOW - 99),
    ],
)
def test_the_wait_grows_with_the_failures(failed, wait):
    assert attempts.seconds_to_wait(failed) == wait


def test_after_a_few_failures_the_next_attempt_has_to_wait(ada):
    guess(OFTEN)
    refused = log_in(password="right")
    assert refused.status_code == 429
    assert 1 < int(refused["Retry-After"]) <= 64
    assert "too_many_attempts" in refused.text
    let_pass(64)
    assert log_in(password="right").status_code == 302


def test_after_ten_failures_even_the_right_password_waits_ten_minutes(ada):
    guess(MOST)
    refused = log_in(password="right")
    assert refused.status_code == 429
    assert 400 < int(refused["Retry-After"]) <= WINDOW
    assert LoginAttempt.objects.count() == MOST  # what is refused is not counted
    let_pass(WINDOW)
    assert log_in(password="right").status_code == 302


def test_the_right_person_gets_in_from_elsewhere(ada):
    guess(MOST)
    assert log_in(password="right").status_code == 429
    assert log_in(password="right", address="10.0.0.2").status_code == 302


def test_who_gets_in_begins_with_no_failures(ada):
    guess(MOST - 1)
    let_pass(64)
    assert log_in(password="right").status_code == 302
    assert not LoginAttempt.objects.exists()


def test_a_name_under_attack_from_everywhere_lets_its_owner_in(ada):
    for number in range(MOST_OF_NAME):
        log_in(address=f"10.1.{number}.1")
    assert LoginAttempt.objects.count() == MOST_OF_NAME
    assert log_in(password="right", address="10.9.9.9").status_code == 302
    guess(attempts.LEFT_UNDER_ATTACK, lambda number: {"address": "10.8.8.8"})
    let_pass(30)
    assert log_in(address="10.8.8.8").status_code == 429


def test_an_address_that_tries_many_names_is_refused(ada):
    for number in range(MOST_OF_ADDRESS):
        assert log_in(name=f"name{number}").status_code == 200
    assert log_in(password="right").status_code == 429
    assert log_in(password="right", address="10.0.0.2").status_code == 302


def test_one_name_is_one_however_it_is_written(ada):
    names = ["ada", "ADA", "\uff41da", " ada "]
    guess(OFTEN, lambda number: {"name": names[number % len(names)]})
    assert log_in().status_code == 429


def test_a_whole_network_of_ipv6_is_one_client(ada):
    guess(OFTEN, lambda number: {"address": f"2001:db8::{number}"})
    assert log_in(address="2001:db8::ffff").status_code == 429
    assert log_in(address="2001:db8:0:1::1").status_code == 200


def test_without_a_proxy_nobody_chooses_an_address(ada):
    guess(OFTEN, lambda number: {"X-Forwarded-For": f"10.7.0.{number}"})
    assert log_in(**{"X-Forwarded-For": "10.7.0.99"}).status_code == 429


def test_behind_a_proxy_the_last_entry_counts(ada, settings):
    settings.FOREMAN_PROXIES = 1
    written = "X-Forwarded-For"
    guess(OFTEN, lambda number: {"address": "10.0.0.9", written: f"1.2.3.{number}, 10.7.0.1"})
    mine = {"X-Forwarded-For": "1.2.3.99, 10.7.0.1"}
    assert log_in(address="10.0.0.9", **mine).status_code == 429
    assert log_in(address="10.0.0.9", **{"X-Forwarded-For": "10.7.0.2"}).status_code == 200


def test_nothing_that_is_stored_names_who_was_tried(ada, sql):
    log_in(name="my secret passphrase")
    assert "secret" not in str(sql("SELECT login_attempts::text FROM login_attempts"))


def test_the_admin_has_no_door_of_its_own(ada):
    client = Client()
    answer = client.get(reverse("admin:login"))
    assert answer.url == "/login/?next=/admin/"
    answer = client.post(reverse("admin:login"), {"username": "ada", "password": "right"})
    assert answer.status_code == 302
    assert "_auth_user_id" not in client.session


def test_the_old_password_is_not_guessed_on_the_page_that_changes_it(ada):
    client = Client()
    client.force_login(ada)
    form = {"old_password": "wrong", "new_password1": "n3w-enough", "new_password2": "n3w-enough"}
    guess(OFTEN, by=lambda: client.post("/account/", form), taken=422)
    assert client.post("/account/", form | {"old_password": "right"}).status_code == 429


def test_forged_links_are_refused_after_a_while(ada):
    for _ in range(MOST):
        assert Client().get("/login/once/forged/").status_code == 410
    link = make_login_link(ada)
    assert Client().post(link).status_code == 429
    assert Client().post(link, REMOTE_ADDR="10.0.0.2").status_code == 302


# --- many at once ---------------------------------------------------------------------------------


class Held(PBKDF2PasswordHasher):
    """Hashes that last until they are let go, and the number of those at once."""

    algorithm, iterations = "held", 1
    go = threading.Event()
    begun = threading.Semaphore(0)
    lock, now, most = threading.Lock(), 0, 0

    def encode(self, password, salt, iterations=None):
        if password == "guess":
            with self.lock:
                Held.now += 1
                Held.most = max(Held.most, Held.now)
            self.begun.release()
            assert self.go.wait(PATIENCE)
            with self.lock:
                Held.now -= 1
        return super().encode(password, salt, iterations)


@pytest.mark.django_db(transaction=True)
def test_one_password_is_hashed_at_a_time_and_few_wait(settings, monkeypatch):
    settings.PASSWORD_HASHERS = [f"{__name__}.Held"]
    monkeypatch.setattr(attempts.hashing, "patience", PATIENCE)
    UserFactory(username="ada", password="right")
    Held.go.clear()

    def ask(number):
        try:
            return log_in(name=f"name{number}", password="guess", address=f"10.2.0.{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as many:
        answers = [many.submit(ask, number) for number in range(8)]
        assert Held.begun.acquire(timeout=PATIENCE)
        until(lambda: sum(each.done() for each in answers) == 4)
        Held.go.set()
        answers = [each.result() for each in answers]
    assert Held.most == 1
    assert sorted(each.status_code for each in answers) == [200] * 4 + [503] * 4
    assert {each["Retry-After"] for each in answers if each.status_code == 503} == {"2"}
