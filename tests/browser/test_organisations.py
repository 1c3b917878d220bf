"""A member of two organisations in a browser: each page says for which, and the menu changes it."""

from playwright.sync_api import expect

from tests.browser.test_access import LOOKS, findings
from tests.factories import OrganisationFactory, OrganisationMemberFactory, TaskFactory, UserFactory


def test_a_member_of_two_organisations_works_for_one_and_then_the_other(browse, transactional_db):
    user = UserFactory(username="johan", roles=[])
    for name in ("North", "The organisation of all who build bridges in the south of the country"):
        organisation = OrganisationFactory(name=name)
        OrganisationMemberFactory(organisation=organisation, user=user)
        program = {"organisation_id": organisation.pk, "name": f"Program of {name.split()[0]}"}
        TaskFactory(**{f"wave__program__{key}": value for key, value in program.items()})
    page = browse(user=user, still=True)
    page.goto("/programs/")
    found = findings(page, LOOKS)
    expect(page.locator(".workplace")).to_have_text("North")
    expect(page.get_by_role("link", name="Program of North")).to_be_visible()
    page.get_by_role("button", name="johan").click()
    found += findings(page, LOOKS)
    page.get_by_role("button", name="The organisation of all").click()
    expect(page.locator(".workplace")).to_contain_text("The organisation of all")
    for width in (1440, 390, 320):  # a long name makes way for how fresh the page is
        page.set_viewport_size({"width": width, "height": 800})
        shown = page.locator("#freshness").bounding_box()
        assert shown["width"] > 30, width
    page.goto("/programs/")
    expect(page.get_by_role("link", name="Program of The")).to_be_visible()
    expect(page.get_by_role("link", name="Program of North")).to_have_count(0)
    assert not found, "\n\n".join(found)
