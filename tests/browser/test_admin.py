"""The admin in a real browser, under the policy of every other page."""

import pytest
from django.urls import reverse

from builders.models import BuilderToken
from governance.models import Blocker
from programs.models import Program, Wave
from tests.admin.models_shown import FACTORIES
from tests.browser.scene import furnish
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin_page(browse):
    furnish()
    return browse(user=UserFactory(is_staff=True, is_superuser=True))


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.thorough
def test_every_page_keeps_to_the_policy(admin_page):
    pages = [reverse("admin:index")]
    for model, factory in FACTORIES.items():
        if not model.objects.exists():
            factory()
        pages += [url(model, "changelist"), url(model, "change", model.objects.first().pk)]
    for model in (Program, Wave, Blocker):
        pages.append(url(model, "add"))
    for address in pages:
        assert admin_page.goto(address).ok
        assert admin_page.evaluate("window.violations") == []


def test_a_blocker_is_raised_by_typing_what_it_blocks(admin_page):
    before = Blocker.objects.count()
    admin_page.goto(url(Blocker, "add"))
    admin_page.locator(".field-wave .select2-selection").click()
    admin_page.locator(".select2-search__field").fill("Execution")
    admin_page.locator(".select2-results__option", has_text="Execution core").click()
    admin_page.get_by_label("Classification").select_option("protected_path")
    admin_page.get_by_label("Description").fill("It is in the way.")
    admin_page.get_by_role("button", name="Save", exact=True).click()
    admin_page.locator(".messagelist .success").wait_for()
    assert Blocker.objects.count() == before + 1
    assert admin_page.evaluate("window.violations") == []


def test_dependencies_are_moved_from_box_to_box(admin_page):
    wave = Wave.objects.get(name="Integration")
    other = Wave.objects.get(name="Foundation")
    admin_page.goto(url(Wave, "change", wave.pk))
    admin_page.locator("#id_dependencies_from").select_option(str(other.pk))
    admin_page.get_by_role("button", name="Choose selected waves").click()
    admin_page.get_by_label("Reason").fill("One builds on the other.")
    admin_page.get_by_role("button", name="Save", exact=True).click()
    admin_page.locator(".messagelist .success").wait_for()
    wave.refresh_from_db()
    assert other.pk in wave.dependency_ids
    assert admin_page.evaluate("window.violations") == []


def test_a_circle_of_dependencies_is_refused_when_it_would_be_committed(admin_page):
    first, last = Wave.objects.get(name="Foundation"), Wave.objects.get(name="Integration")
    admin_page.goto(url(Wave, "change", first.pk))
    admin_page.locator("#id_dependencies_from").select_option(str(last.pk))
    admin_page.get_by_role("button", name="Choose selected waves").click()
    admin_page.get_by_label("Reason").fill("One builds on the other.")
    admin_page.get_by_role("button", name="Save", exact=True).click()
    refusal = admin_page.locator(".errorlist", has_text="programs_waves_dependencies")
    refusal.wait_for()
    assert "form a cycle" in refusal.text_content()
    first.refresh_from_db()
    assert first.dependencies == []


def test_blockers_are_resolved_together(admin_page):
    admin_page.goto(url(Blocker, "changelist") + "?open=yes")
    admin_page.locator("#action-toggle").check()
    admin_page.locator("select[name=action]").select_option("resolve")
    admin_page.get_by_role("button", name="Run").click()
    admin_page.get_by_label("Resolution").fill("Rebuilt from the design.")
    admin_page.get_by_role("button", name="Resolve").click()
    admin_page.locator(".messagelist").wait_for()
    assert not Blocker.objects.open().exists()


def test_a_token_is_issued_on_a_builders_page(admin_page):
    admin_page.goto("/admin/builders/builder/ui-builder/change/")
    admin_page.locator("select[name$=action]").select_option("issue_token")
    admin_page.get_by_role("button", name="Run").click()
    text = admin_page.locator("code").text_content()
    assert text.startswith(BuilderToken.objects.get().prefix)
