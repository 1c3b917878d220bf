from uuid import uuid4

import pytest
from django.urls import NoReverseMatch, reverse, set_script_prefix

from kit.web.addresses import address_of


@pytest.mark.parametrize("view", ["programs:program", "programs:task_edit", "programs:wave"])
def test_the_address_of_a_row_is_the_one_that_django_puts_together(view):
    for key in (uuid4(), uuid4()):
        assert address_of(view, key) == reverse(view, args=[key])


def test_an_office_below_another_address_has_its_own():
    key = uuid4()
    at_the_root = address_of("programs:task", key)
    set_script_prefix("/office/")
    try:
        assert address_of("programs:task", key) == f"/office{at_the_root}"
    finally:
        set_script_prefix("/")


def test_a_view_that_is_not_there_has_none():
    with pytest.raises(NoReverseMatch):
        address_of("programs:nothing", uuid4())
