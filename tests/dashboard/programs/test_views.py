"""The plan's pages: as a page, as a part, as a stranger, and how often they ask the database."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.programs.views import PROGRAM_PARTS, WAVE_PARTS
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db

PAGES = ["program", "wave", "task"]


def part(client, address, target):
    return client.get(address, headers={"HX-Request": "true", "HX-Target": target})


def address(name, **entities):
    return entities[name].get_absolute_url()


def make_task(**fields):
    """A task with one of everything that its page shows."""
    task = TaskFactory(**{"state": "in-progress", "assigned_builder": "ui-builder"} | fields)
    HeartbeatFactory(
        builder=BuilderFactory(builder_id="ui-builder"), task=task, message="Hammering"
    )
    QAExecutionFactory(task=task, passing_tests=3, failing_tests=2)
    ArchitectureValidationFactory(task=task)
    GovernanceViolationFactory(task=task)
    BlockerFactory(entity=task)
    return task


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_sent_to_the_login(client, name):
    response = client.get(reverse(f"programs:{name}", args=[uuid4()]))
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


@pytest.mark.parametrize("name", PAGES)
def test_an_unknown_id_is_not_found(person, name):
    assert person.get(reverse(f"programs:{name}", args=[uuid4()])).status_code == 404


def test_program_list_tells_of_each_program_where_it_stands(person):
    wave = WaveFactory(program__name="Annex", name="Roof")
    TaskFactory(wave=wave, state="completed")
    BlockerFactory(entity=TaskFactory(wave=wave))
    content = person.get(reverse("programs:program_list")).text
    for words in ("Annex", "1 of 2 tasks", "Roof", "1<span", "open blocker<"):
        assert words in content


def test_program_list_says_so_when_there_is_none(person):
    assert "There is no program yet." in person.get(reverse("programs:program_list")).text


def test_program_list_is_paged(person):
    ProgramFactory.create_batch(26)
    first = person.get(reverse("programs:program_list"))
    assert "25 of 26 programs" in first.text
    second = person.get(first.context["listing"].next).text
    assert "1 of 26 programs" in second


def listed(person, **words):
    response = person.get(reverse("programs:program_list"), words)
    return {program.name for program in response.context["listing"].rows}


def test_program_list_is_filtered_by_state_words_and_blockers(person):
    for name, make in (
        ("East wing", lambda program: program),
        ("West wing", lambda program: WaveFactory(program=program)),
        ("Garden", lambda program: TaskFactory(wave__program=program)),
    ):
        BlockerFactory(entity=make(ProgramFactory(name=name)))
    ProgramFactory(name="Well", state="planned")
    assert listed(person, blockers="some") == {"East wing", "West wing", "Garden"}
    assert listed(person, blockers="none") == {"Well"}
    assert listed(person, q="wing") == {"East wing", "West wing"}
    assert listed(person, state="planned") == {"Well"}


def test_program_list_is_exported_as_it_is_filtered(person):
    wave = WaveFactory(program__name="Annex", name="Roof")
    TaskFactory(wave=wave)
    BlockerFactory(entity=wave)
    ProgramFactory(name="Other")
    response = person.get(
        reverse("programs:program_list"), {"export": "ndjson", "blockers": "some"}
    )
    (row,) = [json.loads(line) for line in response.getvalue().decode().splitlines()]
    assert (row["program"], row["current_wave"]) == ("Annex", "Roof")
    assert (row["tasks"], row["open_blockers"]) == (1, 1)


def test_program_shows_its_waves_and_what_they_wait_for(person):
    program = ProgramFactory(objectives=["Keep test debt at zero"])
    first = WaveFactory(program=program, name="Foundation", sequence_number=1)
    second = WaveFactory(
        program=program, name="Roof", sequence_number=2, dependencies=[str(first.pk)]
    )
    TaskFactory(wave=second, name="Lay the ridge")
    content = person.get(program.get_absolute_url()).text
    assert "Keep test debt at zero" in content
    assert "waits for 1" in content
    assert "Lay the ridge: planned" in content


def test_program_without_waves_says_so(person):
    assert "no wave yet" in person.get(ProgramFactory().get_absolute_url()).text


def test_a_large_wave_shows_how_many_tasks_are_in_which_state_and_leads_to_them(person):
    wave = WaveFactory()
    TaskFactory.create_batch(31, wave=wave)
    content = person.get(wave.program.get_absolute_url()).text
    assert "31 planned" in content
    assert f"{reverse('programs:task_list')}?wave={wave.pk}&amp;state=planned" in content


def test_program_says_its_critical_path(person):
    task = TaskFactory(wave__sequence_number=3, wave__name="Roof")
    content = person.get(task.wave.program.get_absolute_url()).text
    assert "1 unfinished task in 1 wave" in content


def test_a_wave_of_the_timeline_is_opened_by_the_address(person):
    task = make_task(name="Lay the ridge", started_at=now())
    where = task.wave.program.get_absolute_url()
    closed = part(person, where, "timeline").text
    opened = part(person, f"{where}?wave={task.wave.pk}", "timeline").text
    assert f"{where}?wave={task.wave.pk}#timeline" in closed
    assert "Lay the ridge" not in closed
    assert "Lay the ridge" in opened
    assert f'href="{where}#timeline"' in opened


def test_what_is_under_way_is_shown_the_worst_first(person):
    wave = WaveFactory()
    TaskFactory(wave=wave, name="Goes well", state="in-progress")
    TaskFactory(wave=wave, name="Is stuck", state="blocked")
    TaskFactory(wave=wave, name="Waits", state="planned")
    content = part(person, wave.program.get_absolute_url(), "tasks").text
    assert content.index("Is stuck") < content.index("Goes well")
    assert "Waits" not in content


def test_wave_says_what_it_waits_for_what_waits_for_it_and_who_works_on_what(person):
    before = WaveFactory(sequence_number=1, name="Cellar")
    wave = WaveFactory(program=before.program, sequence_number=2, dependencies=[str(before.pk)])
    WaveFactory(program=wave.program, sequence_number=3, name="Roof", dependencies=[str(wave.pk)])
    TaskFactory(wave=wave, name="Masonry", state="in-progress", assigned_builder="ui-builder")
    TaskFactory(wave=wave, name="Plaster")
    page = person.get(wave.get_absolute_url()).text
    assert page.index("Cellar") < page.index("Dependent waves") < page.index("Roof")
    working = part(person, wave.get_absolute_url(), "working").text
    assert "Masonry" in working
    assert "ui-builder" in working
    assert "Plaster" not in working


def test_tasks_of_a_wave_are_filtered_and_exported(person):
    wave = WaveFactory()
    TaskFactory(wave=wave, name="Masonry", state="in-progress", assigned_builder="ui-builder")
    TaskFactory(wave=wave, name="Plaster")
    TaskFactory(name="Elsewhere")
    where = wave.get_absolute_url()
    found = {
        name: [task.name for task in person.get(where, {name: value}).context["listing"].rows]
        for name, value in (("state", "planned"), ("builder", "ui-builder"), ("q", "pla mas"))
    }
    assert found == {"state": ["Plaster"], "builder": ["Masonry"], "q": []}
    asked = {"export": "ndjson", "sort": "name"}
    rows = person.get(where, asked).getvalue().decode().splitlines()
    assert [json.loads(row)["task"] for row in rows] == ["Masonry", "Plaster"]


def test_task_shows_everything_recorded(person):
    content = person.get(make_task().get_absolute_url()).text
    for words in ("Hammering", "3 of 5", "Repeated failures", "test debt", "100 % passed"):
        assert words in content


def test_task_says_what_was_not_recorded(person):
    task = TaskFactory(architecture_reference="", qa_suite_location="", acceptance_criteria="")
    content = person.get(task.get_absolute_url()).text
    assert content.lower().count("not recorded") == 4
    for words in ("No QA run is recorded", "has not been validated", "No heartbeats for this task"):
        assert words in content


def test_task_names_failed_items_of_a_validation(person):
    task = TaskFactory()
    ArchitectureValidationFactory(
        task=task,
        validation_results={"Documents": {"design": True, "wireframes": False}},
        pass_rate=50,
        build_readiness="NOT_READY",
    )
    content = person.get(task.get_absolute_url()).text
    assert 'wireframes<span class="hidden-words"> (not passed)' in content
    assert "Not ready" in content


def test_task_shows_a_validation_that_is_a_score_alone(person):
    task = TaskFactory()
    ArchitectureValidationFactory(task=task, validation_results={})
    assert "Only the pass rate is recorded" in person.get(task.get_absolute_url()).text


def test_words_of_builders_are_text_and_never_markup(person):
    task = TaskFactory(name="<script>alert(1)</script>")
    HeartbeatFactory(task=task, message='"><img src=x onerror=alert(1)>')
    content = person.get(task.get_absolute_url()).text
    assert "<script>alert" not in content
    assert "<img" not in content


@pytest.mark.parametrize(
    ("name", "target"),
    [
        *(("program", target) for target in PROGRAM_PARTS),
        *(("wave", target) for target in WAVE_PARTS),
        *(
            ("task", target)
            for target in (
                *("summary", "trouble", "gate", "runs", "validations", "past", "evidence"),
                *("pulse", "instruction"),
            )
        ),
    ],
)
def test_a_part_is_the_element_that_asked(person, name, target):
    task = make_task()
    where = address(name, program=task.wave.program, wave=task.wave, task=task)
    page, alone = person.get(where).text, part(person, where, target)
    assert alone.text.count(f'id="{target}"') == page.count(f'id="{target}"') == 1
    assert "<html" not in alone.text
    assert "HX-Target" in alone.headers["Vary"]


def test_an_unknown_part_is_the_page(person):
    program = ProgramFactory()
    assert "<html" in part(person, program.get_absolute_url(), "document.html").text


def test_a_restored_page_is_whole(person):
    headers = {
        "HX-Request": "true",
        "HX-Target": "board",
        "HX-History-Restore-Request": "true",
    }
    assert "<html" in person.get(ProgramFactory().get_absolute_url(), headers=headers).text


# Session, user and the frame's three questions are five; the rest is the page's own.
def test_program_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    program = ProgramFactory()
    for number in range(1, 7):
        wave = WaveFactory(program=program, sequence_number=number)
        for task in TaskFactory.create_batch(4, wave=wave, started_at=now()):
            BlockerFactory(entity=task)
    with django_assert_max_num_queries(28):
        person.get(program.get_absolute_url())


def test_program_list_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    for _ in range(6):
        wave = WaveFactory()
        for task in TaskFactory.create_batch(3, wave=wave):
            BlockerFactory(entity=task)
    with django_assert_max_num_queries(15):
        person.get(reverse("programs:program_list"))


def test_wave_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    wave = WaveFactory()
    for task in TaskFactory.create_batch(8, wave=wave):
        BlockerFactory(entity=task)
    with django_assert_max_num_queries(26):
        person.get(wave.get_absolute_url())


def test_task_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    task = make_task()
    HeartbeatFactory.create_batch(8, task=task)
    QAExecutionFactory.create_batch(8, task=task)
    ArchitectureValidationFactory.create_batch(8, task=task)
    with django_assert_max_num_queries(44):
        person.get(task.get_absolute_url())


def test_a_part_costs_only_itself(person, django_assert_max_num_queries):
    task = make_task()
    # One of them asks who recorded the runs, all of them at once.
    with django_assert_max_num_queries(9):
        part(person, task.get_absolute_url(), "runs")
