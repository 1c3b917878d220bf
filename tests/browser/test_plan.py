"""The plan in a real browser: read, written down, imported, by hand and by keyboard."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from programs.models import Program, Task, Wave
from tests.browser.conftest import settle
from tests.browser.scene import furnish
from tests.factories import ProgramFactory

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
"""


def test_a_plan_is_written_down_field_by_field(browse, foreman, complaints):
    ProgramFactory(name="Lamps")
    page = browse(user=foreman)
    page.goto(reverse("programs:program_list"))
    page.get_by_role("link", name="New program").click()
    name = page.get_by_label("Name")
    name.fill("Lamps")
    page.get_by_label("Description").focus()
    taken = page.locator("#id_name_error")
    expect(taken).to_contain_text("A program of this name exists. programs_name_key")
    assert page.url.endswith(reverse("programs:program_new"))
    name.fill("Lights")
    page.get_by_label("Description").fill("Light in every room.")
    expect(taken).to_be_empty()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Lights", exact=True)).to_be_visible()
    expect(page.locator("#said")).to_contain_text("“Lights” is saved.")

    page.get_by_role("link", name="New wave").click()
    page.get_by_label("Name").fill("Cables")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="New task").click()
    page.get_by_label("Name").fill("Pull the cables")
    page.get_by_label("Planned builder (optional)").select_option("schema-builder")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Pull the cables")).to_be_visible()
    task = Task.objects.select_related("wave__program").get()
    assert (task.wave.name, task.wave.program.name) == ("Cables", "Lights")


def test_a_form_with_errors_is_kept_without_script(browse, foreman, complaints, transactional_db):
    program = ProgramFactory(state="planned", name="Lamps")
    page = browse(user=foreman, java_script_enabled=False)
    page.goto(reverse("programs:program_edit", args=[program.pk]))
    page.get_by_label("Name").fill(" ")
    page.get_by_label("Objectives").fill("See")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Nothing was saved.")
    expect(page.get_by_label("Objectives")).to_have_value("See")
    page.get_by_label("Name").fill("Lamps")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("See", exact=True)).to_be_visible()
    complaints.expect("422")


@pytest.mark.parametrize("script", [True, False])
def test_a_plan_file_is_imported_as_it_was_previewed(browse, foreman, script):
    page = browse(user=foreman, java_script_enabled=script)
    page.goto(reverse("governance:plan_import"))
    page.get_by_label("Plan file").set_input_files(
        {"name": "lamps.yaml", "mimeType": "application/yaml", "buffer": PLAN.encode()}
    )
    page.get_by_role("button", name="Show what it would change").click()
    expect(page.get_by_role("heading", name="What lamps.yaml would change")).to_be_visible()
    expect(page.get_by_text('task wire "Wire the lamp"')).to_be_visible()
    assert not Program.objects.exists()
    page.get_by_role("button", name="Import exactly this").click()
    expect(page.get_by_role("heading", name="Lamps", exact=True)).to_be_visible()
    assert Wave.objects.get().name == "The first wave"


def test_a_wave_of_the_timeline_is_opened_by_keyboard_and_stays_in_the_address(browse, foreman):
    scene = furnish()
    page = browse(user=foreman)
    page.goto(scene["program"].get_absolute_url())
    wave = scene["program"].waves.get(sequence_number=3)
    settle(page)
    toggle = page.locator(f"#tasks-of-{wave.pk}")
    toggle.focus()
    page.keyboard.press("Enter")
    tasks = page.get_by_role("list", name="Tasks of Schema")
    expect(tasks.get_by_role("listitem")).to_have_count(6)
    expect(page.locator(f"#tasks-of-{wave.pk}")).to_have_attribute("aria-expanded", "true")
    assert page.url.endswith(f"?wave={wave.pk}")
    page.reload()
    expect(tasks.get_by_role("listitem")).to_have_count(6)


def test_the_lanes_say_the_critical_path_and_their_edges_meet_the_cards(browse, foreman):
    scene = furnish()
    page = browse(user=foreman, still=True)
    page.goto(scene["program"].get_absolute_url())
    expect(page.locator("#board .critical-words")).to_contain_text("9 Analytics and dashboards")
    ends, cards = page.evaluate(
        """() => {
             const board = document.querySelector("#board");
             const ends = [...board.querySelectorAll(".edges .critical")].flatMap(path =>
               [0, path.getTotalLength()].map(at => {
                 const point = path.getPointAtLength(at).matrixTransform(path.getScreenCTM());
                 return [point.x, point.y];
               }));
             const cards = [...board.querySelectorAll(".wave.critical")];
             return [ends, cards.map(card => card.getBoundingClientRect().toJSON())];
           }"""
    )
    assert ends
    for x, y in ends:
        assert any(
            min(abs(x - card["left"]), abs(x - card["right"])) < 3
            and card["top"] < y < card["bottom"]
            for card in cards
        ), (x, y, cards)


def test_a_program_is_printed_without_what_is_for_hands(browse, foreman):
    scene = furnish()
    page = browse(user=foreman)
    page.goto(scene["program"].get_absolute_url())
    page.emulate_media(media="print")
    for hidden in (".rail", ".top", ".head .acts", "#gate .acts"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
