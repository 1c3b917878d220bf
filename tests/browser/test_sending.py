"""Forms in a real browser: pressed twice, after a login in another tab, after the login ended."""

from django.urls import reverse
from playwright.sync_api import expect

from builders.models import BuilderToken
from governance.models import Blocker, OfficeSession
from programs.models import Program, Task
from tests.browser.conftest import session_of, settle
from tests.factories import BuilderFactory, ProgramFactory, TaskFactory, WaveFactory


def begin_a_blocker(page, task):
    page.goto(task.get_absolute_url())
    settle(page)
    page.locator("summary", has_text="Raise a blocker").first.click()
    form = page.locator("details.offer[open] form")
    form.get_by_label("Description").fill("No power.")
    return form


def log_in_anew(page, user, url):
    """Log in in another tab: the session and the secret of the forms are new."""
    page.context.clear_cookies()
    page.context.add_cookies([session_of(user, url)])
    other = page.context.new_page()
    other.goto(reverse("builders:builder_list"))
    other.close()


def test_a_double_click_issues_one_token(browse, foreman):
    builder = BuilderFactory()
    page = browse(user=foreman)
    page.goto(builder.get_absolute_url())
    settle(page)
    page.get_by_role("button", name="Issue a token").dblclick()
    expect(page.locator(".secret")).to_be_visible()
    settle(page)
    assert BuilderToken.objects.count() == 1


def test_after_a_login_in_another_tab_a_form_sends_itself_again(
    browse, foreman, live_server, complaints
):
    task = TaskFactory(state="in-progress", assigned_builder=None)
    page = browse(user=foreman)
    form = begin_a_blocker(page, task)
    log_in_anew(page, foreman, live_server.url)
    form.get_by_role("button", name="Raise a blocker").click()
    expect(page.locator("#said")).to_contain_text("is blocked")
    assert Blocker.objects.get().description == "No power."
    complaints.expect("403")


def test_when_the_login_ends_what_was_typed_stays_and_goes_on_after_the_login(
    browse, foreman, live_server, complaints
):
    task = TaskFactory(state="in-progress", assigned_builder=None)
    page = browse(user=foreman)
    form = begin_a_blocker(page, task)
    address = page.url
    OfficeSession.objects.all().delete()
    form.get_by_role("button", name="Raise a blocker").click()
    expect(form.locator(".answer")).to_contain_text("Your login has ended.")
    expect(page.locator("#ended")).to_contain_text("Log in again in a new tab")
    assert page.url == address
    expect(form.get_by_label("Description")).to_have_value("No power.")
    log_in_anew(page, foreman, live_server.url)
    expect(page.locator("#ended")).to_be_empty()
    form.get_by_role("button", name="Raise a blocker").click()
    expect(page.locator("#said")).to_contain_text("is blocked")
    complaints.expect("401", "403", "EventSource")


def test_without_script_an_expired_form_carries_its_input_over(
    browse, foreman, live_server, complaints
):
    wave = WaveFactory()
    page = browse(user=foreman, java_script_enabled=False)
    page.goto(reverse("programs:wave_add_task", args=[wave.pk]))
    page.get_by_label("Name").fill("Wire")
    log_in_anew(page, foreman, live_server.url)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This form has expired.")).to_be_visible()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("heading", name="Wire")).to_be_visible()
    assert Task.objects.count() == 1
    complaints.expect("403")


def test_two_values_are_chosen_between(browse, foreman, complaints, tmp_path):
    program = ProgramFactory(name="Old", state="planned")
    page = browse(user=foreman)
    page.goto(reverse("programs:program_edit", args=[program.pk]))
    page.get_by_label("Name").fill("Mine")
    Program.objects.filter(pk=program.pk).update(name="Theirs")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Nothing was saved.")
    for width in (1440, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            page.screenshot(path=tmp_path / f"conflict-{width}-{scheme}.png")
    page.get_by_label("Saved meanwhile: Theirs").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Theirs", exact=True)).to_be_visible()
    complaints.expect("422")
