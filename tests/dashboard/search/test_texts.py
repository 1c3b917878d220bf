"""Find any part of what is written, whatever letters it is in, and show it as it is."""

from datetime import timedelta
from unicodedata import normalize

import pytest
from django.urls import reverse
from django.utils.timezone import now
from hypothesis import given
from hypothesis import strategies as st

from builders.models import Builder
from foreman_office.dashboard import texts
from foreman_office.dashboard.search import queries
from foreman_office.dashboard.search.queries import search_entities, search_kind
from foreman_office.dashboard.snippets import mark_words, snippet
from foreman_office.dashboard.texts import TEXT_KINDS, search_texts, words_in
from governance.models import Evidence
from kit.core.acts import act
from programs.models import PlanText, Task
from tests.database import as_administrator
from tests.examples import examples
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    CompletionClaimFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    PlanNoteFactory,
    ProgramFactory,
    QuestionFactory,
    TaskFactory,
    TaskLinkFactory,
    TaskNoteFactory,
)

pytestmark = pytest.mark.django_db


def found(text):
    """Return the kinds of what has a text, but for pages and builders."""
    return {group.kind for group in search_entities(text)} - {"pages", "builders"}


def labels(text, kind):
    return [hit.label for hit in search_kind(text, kind).hits]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Prüfung der Größe", "rüfung"),
        ("PRÜFUNG DER GRÖẞE", "prüfung"),
        ("Übersicht", "übersicht"),
        ("u\u0308bersicht", "übersicht"),  # the same letter, written as two
        ("Ölstand", "öl"),
        ("ログイン画面の再設計", "画面"),
        ("ログイン画面の再設計", "計"),
        ("로그인 화면", "화면"),
        ("Проверка входа", "верка"),
        ("see snake_case_name here", "ake_case"),
        ("in src/a/b/c.py", "a/b/c.py"),
        ("calls Foo::bar", "foo::b"),
        ("tests/x.py::test_x[param-1]", "test_x[param-1]"),
        (r"C:\path\to 100% of_it", r"\path\to"),
        ("100% done", "100%"),
        ('it\'s "quoted"', 's "quo'),
        ("a->b ? c : d", "a->b"),
        ("A B", "a b"),
    ],
)
def test_any_part_of_a_text_is_found_whatever_it_is_written_in(written, typed):
    task = TaskFactory(name="Masonry", acceptance_criteria=f"- before\n- {written} and after")
    TaskFactory(name="Roof", acceptance_criteria="- something else")
    assert labels(typed, "tasks") == ["Masonry"]
    assert found(typed) >= {"tasks"}
    assert Task.objects.get(pk=task.pk).acceptance_criteria.count(written) == 1


def test_each_kind_of_text_is_found():
    word = "zanzibar"
    program = ProgramFactory(description=f"To {word}.", objectives=[f"Reach {word}-town"])
    task = TaskFactory(architecture_reference=f"docs/{word}.md")
    TaskFactory(qa_suite_location=f"tests/{word}/")
    BlockerFactory(entity=task, description=f"No way to {word}.")
    GovernanceViolationFactory(description=f"Went to {word} without asking.")
    TaskNoteFactory(text=f"On to **{word}**.")
    PlanNoteFactory(note=f"{word} is far.")
    TaskLinkFactory(label="The log", url=f"https://logs.example.org/{word}")
    ArchitectureValidationFactory(
        validation_results={"Travel": {f"The way to {word} is drawn": False, "fare": 1}},
        pass_rate=0,
        build_readiness="NOT_READY",
    )
    asked = QuestionFactory(question=f"Which way to {word}?")
    HeartbeatFactory(builder=asked.builder, task=asked.task, message=f"Nearly in {word}")
    assert found("anzi") == {kind.name for kind in TEXT_KINDS} - {"waves", "tests"} | {"messages"}
    assert labels(f"reach {word}-t", "programs") == [program.name]
    assert len(labels(word, "tasks")) == 2
    assert labels("nothing of the kind", "evidence") == []


def test_a_validation_is_found_by_a_section_or_an_item_and_leads_to_its_page(person):
    row = ArchitectureValidationFactory(
        task__name="Roof",
        validation_results={"Gutters and drains": {"They are \u00fcberdacht": True}},
    )
    for typed in ("gutters drains", "überdacht"):
        (hit,) = search_kind(typed, "validations").hits
        assert hit.url == reverse("governance:quality_validation", args=[row.pk])
        assert hit.within.endswith("/ Roof")
        assert person.get(hit.url).status_code == 200
    assert "Validation: Ready" in person.get(reverse("search"), {"q": "gutter"}).text


def test_what_a_claim_was_answered_is_found_in_the_evidence():
    CompletionClaimFactory(conditions=[{"rule": "no_debt", "met": False, "detail": "2 are owed."}])
    assert labels("2 are owed", "evidence") == ["Claim of completion refused"]


def test_an_earlier_message_is_found_once_and_leads_to_its_builder_as_of_then(person, monkeypatch):
    task = TaskFactory(name="Roof", state="in-progress")
    builder = BuilderFactory(current_task=task, state="active")
    for minutes, message in ((40, "Tiles at 40"), (30, "Nails"), (20, "Nails"), (10, "Tiles")):
        HeartbeatFactory(
            builder=builder,
            task=task,
            timestamp=now() - timedelta(minutes=minutes),
            message=message,
        )
    first, *_ = search_kind("nails", "messages").hits
    assert labels("nails", "messages") == ["ui-builder said"]
    assert first.within.endswith("/ Roof")
    assert [len(labels(text, "messages")) for text in ("tiles", "tiles 40", "slates")] == [2, 1, 0]
    Builder.objects.update(created_at=now() - timedelta(hours=1))
    (first,) = search_kind("nails", "messages").hits
    assert f"as_of={(now() - timedelta(minutes=20)):%Y-%m-%dT%H}" in first.url
    # Beside all other kinds fewer are read, and the rest is offered.
    monkeypatch.setattr(queries, "READ", 2)
    shown = {group.kind: group for group in search_entities("nails")}
    assert len(shown["messages"].hits) == 1
    assert shown["messages"].all == reverse("search", query={"q": "nails", "kind": "messages"})
    assert "messages" not in {group.kind for group in search_entities("at 40")}
    assert len(labels("at 40", "messages")) == 1
    assert "ui-builder said" in person.get(shown["messages"].all).text


def test_what_a_blocker_or_a_task_no_longer_says_is_found_in_the_evidence():
    task = TaskFactory(acceptance_criteria="- the first wording")
    task.acceptance_criteria = "- another"
    with act(None):
        task.save(update_fields=["acceptance_criteria"])
    assert labels("first wording", "tasks") == []
    (first, *_) = search_kind("first wording", "evidence").hits
    row = Evidence.objects.of(task).filter(action="edited").get()
    assert first.url == reverse("governance:evidence", args=[row.sequence])
    assert "".join(part.text for part in first.snippet if part.is_match).lower() == "firstwording"


def test_ids_and_times_of_the_evidence_are_no_texts():
    task = TaskFactory()
    assert labels(str(task.pk)[:8], "evidence") == []
    assert labels(str(task.created_at)[:10], "evidence") == []


def test_each_word_must_be_there_and_their_order_does_not_matter():
    TaskFactory(name="Login screen", acceptance_criteria="- shows Übersicht")
    assert labels("übersicht login", "tasks") == ["Login screen"]
    assert labels("übersicht logout", "tasks") == []
    assert labels("übersicht lo", "tasks") == ["Login screen"]  # a short word is looked for too


def test_words_that_are_too_short_for_the_index_find_names_alone():
    TaskFactory(name="QA of it", acceptance_criteria="- zz")
    assert labels("qa", "tasks") == ["QA of it"]
    assert labels("zz", "tasks") == []


def test_names_come_before_texts_and_what_is_open_before_what_is_completed():
    TaskFactory(name="Roof", acceptance_criteria="- the wall stands")
    TaskFactory(name="Great wall", state="completed")
    TaskFactory(name="A wall")
    TaskFactory(name="Wall of bricks")
    assert labels("wall", "tasks") == ["Wall of bricks", "A wall", "Great wall", "Roof"]


def test_what_is_renamed_or_deleted_is_found_as_it_is():
    task = TaskFactory(name="Zanzibar")
    task.name = "Madagascar"
    with act(None):
        task.save(update_fields=["name"])
    assert labels("zanzi", "tasks") == []
    assert labels("dagasc", "tasks") == ["Madagascar"]
    program = task.wave.program
    program.delete()
    assert labels("dagasc", "tasks") == []
    assert not PlanText.objects.filter(entity_id__in=[task.pk, program.pk]).exists()


# --- old rows, and many ---------------------------------------------------------------------------


def test_what_is_older_than_the_newest_rows_is_found_by_the_index(monkeypatch):
    monkeypatch.setattr(texts, "NEWEST", 2)
    TaskFactory(name="Zanzibar", acceptance_criteria="- reach it")
    TaskFactory.create_batch(4, name="Roof", acceptance_criteria="- reach it")
    assert labels("zanzib", "tasks") == ["Zanzibar"]
    assert len(labels("reach it", "tasks")) == 5


def test_many_results_are_listed_by_pages_and_cut_where_it_says_so(person, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 3)
    monkeypatch.setattr("foreman_office.dashboard.search.views.PAGE", 3)
    monkeypatch.setattr(queries, "LISTED", 7)
    for number in range(9):
        TaskFactory(name=f"Roof {number}", acceptance_criteria="- reach zanzibar")
    seen, address = [], f"{reverse('search')}?q=zanzibar&kind=tasks"
    for _ in range(3):
        answer = person.get(address)
        seen += [hit.label for group in answer.context["groups"] for hit in group.hits]
        assert "The first 7 are listed" in answer.text
        address = answer.context["next"]
    assert address == ""
    assert len(seen) == len(set(seen)) == 7
    assert person.get(f"{reverse('search')}?q=zanzibar&kind=tasks&page=9").status_code == 200


@pytest.mark.parametrize("query", ["kind=nothing", "kind=tasks&page=x", "kind=tasks&page=1.5"])
def test_a_kind_or_a_page_that_is_none_is_not_found(person, query):
    assert person.get(f"{reverse('search')}?q=roof&{query}").status_code == 404


@pytest.mark.parametrize("kind", TEXT_KINDS, ids=lambda kind: kind.name)
def test_each_index_is_on_the_very_text_that_a_search_asks(kind, sql):
    """An index on an expression serves only the very same expression."""
    made = f"ON {kind.table} USING gin (programs_grams({kind.text}))"
    as_administrator(f"CREATE INDEX probe {made} WHERE {kind.where}")
    indexes = sql(
        "SELECT relname, substring(pg_get_indexdef(indexrelid) FROM ' USING .*') FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s::regclass",
        kind.table,
    )
    known = {name: definition.removesuffix(" WHERE true") for name, definition in indexes}
    probe = known.pop("probe")
    assert probe in known.values()


# --- shown as it is -------------------------------------------------------------------------------


def test_what_is_found_is_escaped_and_marked(person):
    TaskFactory(name="<b>Roof</b>", acceptance_criteria="<script>alert('zanzibar')</script>")
    for part in ({}, {"headers": {"HX-Request": "true", "HX-Target": "hits"}}):
        content = person.get(reverse("search"), {"q": "('zanzi"}, **part).text
        assert "<script>alert(" not in content
        assert "&lt;script&gt;alert<mark>(&#x27;zanzi</mark>bar" in content
        assert "<b>Roof" not in content


def test_what_is_typed_is_escaped(person):
    content = person.get(reverse("search"), {"q": '"><img src=x onerror=alert(1)>'}).text
    assert "<img src=x" not in content


def test_a_snippet_shows_the_text_around_the_first_match():
    parts = snippet(f"{'before ' * 50}Zanzibar{' after' * 50}", ["zanzi"])
    assert [part.text for part in parts if part.is_match] == ["Zanzi"]
    whole = "".join(part.text for part in parts)
    assert whole.startswith("…before")
    assert whole.endswith("…")
    assert len(whole) < 170


@given(
    st.text(max_size=60),
    st.lists(st.text(min_size=1, max_size=5).filter(str.strip), max_size=3),
)
def test_marks_lose_nothing_and_mark_only_words(text, words):
    parts = mark_words(text, words)
    assert "".join(part.text for part in parts) == normalize("NFC", text)
    assert all(part.text for part in parts)


# What a person may type and a text may hold: letters of many scripts, signs, digits, blanks.
WRITTEN = st.text(
    st.one_of(
        st.sampled_from("aäÄßbcABC01_-./:[]()%\\'\" 画面ログ한글жЖ"),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="İ"),
    ),
    min_size=3,
    max_size=60,
)


@examples(40)
@given(data=st.data())
def test_every_part_of_a_text_is_found(data):
    text = data.draw(WRITTEN)
    start = data.draw(st.integers(0, len(text) - 3))
    typed = text[start : data.draw(st.integers(start + 3, len(text)))]
    if not typed.strip() or len(typed.strip().encode()) < 3:
        return
    task = TaskFactory(name="Masonry", acceptance_criteria=text)
    matches = search_texts(words_in(typed), TEXT_KINDS)["tasks"]
    assert str(task.pk) in {match.key for match in matches}
