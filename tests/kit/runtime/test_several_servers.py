"""The address of a database that is on several servers, of which one takes changes."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from kit.runtime.database_addresses import of_the_writer, read


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("postgres://u:p@h1:5501,h2:5502/db", "h1,h2", "5501,5502"),
        ("postgres://u:p@h1,h2:5433/db", "h1,h2", "5432,5433"),
        ("postgres://u:p@[::1]:5501,[::2]/db", "::1,::2", "5501,5432"),
        ("postgres://u:p@%2Fa,%2Fb/db", "/a,/b", "5432,5432"),
        ("postgres://u:p@/db?host=h1,h2&port=1,2", "h1,h2", "1,2"),
    ],
)
def test_of_several_servers_the_writer_is_chosen(address, host, port):
    found = read("DATABASE_URL", address)
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("u", "p", "db")
    assert found["OPTIONS"] == {"host": host, "port": port, "target_session_attrs": "read-write"}


def test_who_wants_another_server_says_so():
    asked = "postgres://u:p@h1:1,h2:2/db?target_session_attrs=any&sslmode=require"
    options = read("DATABASE_URL", asked)["OPTIONS"]
    assert (options["target_session_attrs"], options["sslmode"]) == ("any", "require")


@pytest.mark.parametrize("address", ["postgres://u:p@h:5433/db?sslmode=require", ""])
def test_one_server_stays_as_it_is(address):
    assert of_the_writer(address) == address


@pytest.mark.parametrize("address", ["nonsense", "postgres://u:secret@h1:1,h2:x/db"])
def test_what_is_no_address_is_refused_by_the_name_of_its_variable(address):
    with pytest.raises(ImproperlyConfigured, match=r"^DATABASE_OWNER_URL is not") as refused:
        read("DATABASE_OWNER_URL", address)
    assert "secret" not in str(refused.value)
