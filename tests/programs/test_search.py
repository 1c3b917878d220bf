import pytest

from kit.web.search import matching
from programs.models import Program, Task, Wave
from tests.factories import ProgramFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "text",
    ["login", "LOGIN", "log scr", "screen login", "build", "oauth2", "1.2", "docs/log", "  log  "],
)
def test_a_task_is_found_by_how_its_words_begin(text):
    task = TaskFactory(name="Build docs/login screen, step 1.2 (OAuth2)")
    TaskFactory(name="Something else")

    assert Task.objects.filter(matching(text)).get() == task


@pytest.mark.parametrize(
    "text", ["ogin", "login else", "1.3", "'; DROP TABLE", "x & !y | (z:*", "→"]
)
def test_what_no_word_begins_with_finds_nothing(text):
    TaskFactory(name="Build login screen, step 1.2")

    assert not Task.objects.filter(matching(text)).exists()


@pytest.mark.parametrize("text", ["", "  ", "&|!", "\0", "'", "\\"])
def test_a_text_without_a_word_matches_everything(text):
    TaskFactory()

    assert Task.objects.filter(matching(text)).exists()


def test_words_beyond_ascii_are_found():
    task = TaskFactory(name="Größe der Übersicht")

    assert Task.objects.filter(matching("größ über")).get() == task


def test_programs_and_waves_are_found_alike():
    program, wave = ProgramFactory(name="Foreman dashboard"), WaveFactory(name="First light")

    assert Program.objects.filter(matching("dash")).get() == program
    assert Wave.objects.filter(matching("light")).get() == wave


def test_tasks_are_found_by_the_name_of_their_wave():
    task = TaskFactory(wave__name="First light")
    TaskFactory(name="First")

    assert Task.objects.filter(matching("first", field="wave__name")).get() == task
