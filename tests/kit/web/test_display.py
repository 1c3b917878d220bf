"""What is put together as text rather than by a template escapes what people wrote."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.utils.timezone import now, override

from tests.factories import ProgramFactory, TaskFactory, WaveFactory

ODD = "<b> & \"'"
ESCAPED = "&lt;b&gt; &amp; &quot;&#x27;"


def drawn(tag, **context):
    return Template(tag).render(Context(context))


def test_a_bar_escapes_what_it_is_the_progress_of():
    shown = drawn("{% bar 40 name %}", name=ODD)
    assert f'value="40" aria-label="{ESCAPED}"' in shown
    assert 'data-tone="running"' in shown


def test_a_tally_says_its_parts_in_words_and_adds_up():
    shown = drawn("{% tally counts 'tasks' %}", counts=Counter({"planned": 3, "completed": 1}))
    assert 'aria-label="1 completed, 3 planned"' in shown
    assert 'x="25.000%" width="75.000%"' in shown
    assert "1 of 4 tasks" in shown


def test_a_tally_of_nothing_says_so():
    assert drawn("{% tally counts 'tasks' %}", counts=Counter()).count("no tasks yet") == 2


@pytest.mark.django_db
def test_a_path_names_what_a_thing_is_in_and_escapes_it():
    task = TaskFactory(wave=WaveFactory(name=ODD, program=ProgramFactory(name="Plan")))
    program, wave = task.wave.program, task.wave
    of_wave = f'<a href="{program.get_absolute_url()}">Plan</a>'
    of_task = f'{of_wave}<a href="{wave.get_absolute_url()}">{ESCAPED}</a>'
    shown = drawn("{% path wave %}|{% path task %}|{% path program %}", **locals())
    assert shown == f'<small class="path">{of_wave}</small>|<small class="path">{of_task}</small>|'


def test_a_word_of_ones_own_for_a_state_is_escaped():
    assert f"{ESCAPED}</span>" in drawn("{% status 'open' word %}", word=ODD)
    assert "Planned</span>" in drawn("{% status 'planned' %}")


def test_a_time_is_said_as_people_do_with_the_exact_time_in_the_readers_zone():
    with override("Asia/Kolkata"):
        recent = drawn("{% ago at %}", at=now() - timedelta(minutes=8, seconds=5))
        old = drawn("{% lasting at %}", at=datetime(2026, 1, 8, 20, 30, 5, 77, tzinfo=UTC))
    assert recent.endswith(">8 min ago</time>")
    assert 'title="2026-01-09 02:00:05 IST" data-lasting>since 9 Jan 2026<' in old
