"""Plan files on pages: seen before they are imported, imported as they were seen, written again."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from foreman_office import plan_files
from foreman_office.dashboard.planning import plan_file_views
from governance.models import Evidence
from programs.models import Program, StagedImport, Task
from tests.factories import ProgramFactory, TaskFactory, UserFactory

pytestmark = pytest.mark.pooled

IMPORT = "/plans/import/"

PLAN = """\
format_version: 1
program:
  key: lamps
  name: Lamps
  waves:
  - key: first
    name: The first wave
    sequence_number: 1
    tasks:
    - key: wire
      name: Wire the lamp
      acceptance_criteria: |
        - every test passes
        - ünïcode stays
"""


@pytest.fixture
def foreman(client, db):
    client.force_login(UserFactory(username="johan"))
    return client


def choose(client, text=PLAN, name="lamps.yaml"):
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, data)})


def confirm(client, preview):
    return client.post(IMPORT, {"plan": preview.context["agreed"]})


def test_a_preview_says_what_would_be_created_and_writes_nothing(foreman):
    before = Evidence.objects.count()
    preview = choose(foreman)
    assert preview.status_code == 200
    assert "What lamps.yaml would change" in preview.text
    counts = {row["kind"]: (row["added"], row["changed"]) for row in preview.context["counts"]}
    assert counts == {"Programs": (1, 0), "Waves": (1, 0), "Tasks": (1, 0)}
    assert "task wire" in preview.text
    assert not Program.objects.exists()
    assert Evidence.objects.count() == before


def test_what_was_previewed_is_imported_in_the_name_of_the_person(foreman):
    response = confirm(foreman, choose(foreman))
    program = Program.objects.get()
    assert response.url == program.get_absolute_url()
    assert Task.objects.get().acceptance_criteria == "- every test passes\n- ünïcode stays\n"
    made = Evidence.objects.within(program).filter(action="created").first()
    assert made.context["user"] == "johan"
    assert made.context["import"]["file"] == "lamps.yaml"


def test_a_second_import_shows_what_differs_and_offers_nothing_where_nothing_does(foreman):
    confirm(foreman, choose(foreman))
    again = choose(foreman)
    assert "would change nothing" in again.text
    assert "Import exactly this" not in again.text
    other = choose(foreman, PLAN.replace("Wire the lamp", "Wire both lamps"))
    assert "Wire the lamp -&gt; Wire both lamps" in other.text
    confirm(foreman, other)
    assert Task.objects.get().name == "Wire both lamps"


def test_a_file_with_errors_is_refused_with_their_lines(foreman):
    response = choose(foreman, PLAN.replace("sequence_number: 1", "sequence_number: one\n    x: 1"))
    assert response.status_code == 422
    assert "line 8" in response.text
    assert "x: unknown key" in response.text
    assert not Program.objects.exists()


def test_an_office_that_moved_is_looked_at_again(foreman):
    confirm(foreman, choose(foreman))
    preview = choose(foreman, PLAN.replace("Wire the lamp", "Wire both lamps"))
    Task.objects.update(name="Something else")
    again = confirm(foreman, preview)
    assert again.status_code == 409
    assert "The office has changed since the preview." in again.text
    assert Task.objects.get().name == "Something else"
    confirm(foreman, again)
    assert Task.objects.get().name == "Wire both lamps"


def test_what_somebody_else_has_previewed_is_not_theirs_to_import(foreman, client):
    preview = choose(foreman)
    other = Client()
    other.force_login(UserFactory(username="ada"))
    taken = confirm(other, preview)
    assert (taken.status_code, Program.objects.exists()) == (422, False)
    assert "Choose the file again" in taken.text
    assert confirm(foreman, preview).status_code == 302


def test_two_people_who_import_at_once_do_not_meet(foreman):
    other = Client()
    other.force_login(UserFactory(username="ada"))
    mine, theirs = choose(foreman), choose(other, PLAN.replace("Wire the lamp", "Wire both lamps"))
    assert confirm(foreman, mine).status_code == 302
    assert Task.objects.get().name == "Wire the lamp"
    assert "would change" in confirm(other, theirs).text  # the office has changed since
    assert Task.objects.get().name == "Wire the lamp"
    assert StagedImport.objects.get().person.username == "ada"


def test_what_was_imported_or_has_expired_is_chosen_again(foreman):
    preview = choose(foreman)
    assert confirm(foreman, preview).status_code == 302
    again = confirm(foreman, preview)
    assert (again.status_code, StagedImport.objects.count()) == (422, 0)
    assert "Choose the file again" in again.text


@pytest.mark.parametrize("plan", ["", "made up"])
def test_a_preview_that_is_not_whole_imports_nothing(foreman, plan):
    response = foreman.post(IMPORT, {"plan": plan})
    assert response.status_code == 422
    assert "Choose the file again" in response.text


def test_a_file_that_is_too_large_or_no_text_is_refused(foreman, monkeypatch):
    assert "not UTF-8 text" in choose(foreman, b"\xff\xfe").text
    monkeypatch.setattr(plan_file_views, "MAX_MEGABYTES", 0)
    response = choose(foreman)
    assert response.status_code == 422
    assert "The file is larger than" in response.text


def test_no_file_is_said_to_be_missing(foreman):
    response = foreman.post(IMPORT, {})
    assert response.status_code == 422


def test_names_of_a_file_are_text_and_never_markup(foreman):
    preview = choose(foreman, PLAN.replace("Lamps", "<script>alert(1)</script>"))
    assert "<script>alert" not in preview.text


def test_a_program_is_written_as_the_file_that_makes_it_again(foreman):
    confirm(foreman, choose(foreman))
    program = Program.objects.get()
    response = foreman.get(reverse("governance:plan_export", args=[program.pk]))
    assert response.headers["Content-Disposition"] == 'attachment; filename="lamps.yaml"'
    assert "would change nothing" in choose(foreman, response.getvalue()).text


def test_a_program_that_no_file_can_say_is_refused_with_the_reason(foreman, monkeypatch):
    def unwritable(program):
        raise plan_files.Unwritable("a task without a name")

    monkeypatch.setattr(plan_files, "export", unwritable)
    response = foreman.get(reverse("governance:plan_export", args=[ProgramFactory().pk]))
    assert response.status_code == 409
    assert "a task without a name" in response.text


def test_a_viewer_may_export_and_not_import(client, db):
    client.force_login(UserFactory(roles=["viewer"]))
    program = TaskFactory().wave.program
    answer = client.get(reverse("governance:plan_export", args=[program.pk]))
    assert answer.getvalue().startswith(b"# A program of Foreman Office as a plan file.")
    assert choose(client).status_code == 403


def tasks(number):
    return "".join(f"    - key: wire-{n}\n      name: Wire lamp {n}\n" for n in range(number))


def test_a_preview_asks_no_more_for_more_tasks(foreman, django_assert_max_num_queries):
    with django_assert_max_num_queries(56):
        assert choose(foreman, PLAN + tasks(30)).status_code == 200


def test_an_export_asks_no_more_for_more_tasks(foreman, django_assert_max_num_queries):
    confirm(foreman, choose(foreman, PLAN + tasks(30)))
    where = reverse("governance:plan_export", args=[Program.objects.get().pk])
    with django_assert_max_num_queries(30):
        assert foreman.get(where).getvalue()
