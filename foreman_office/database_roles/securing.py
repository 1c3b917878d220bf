"""What differs between the declared row level security and that of a database's tables."""

from collections.abc import Iterator

from foreman_office.database_roles.catalog import PolicyFound, TableSecurity, quoted
from foreman_office.database_roles.declared import RoleNames
from foreman_office.database_roles.difference import Difference
from foreman_office.database_roles.policies import POLICIES, WHOLE_OFFICE, Policy, member_policies

# Whoever was given that reads for reports, and reads everything.
READERS = "pg_read_all_data"


def declared_policies(names: RoleNames, table: str) -> dict[str, PolicyFound]:
    """Return the policies that a table is to have, by their names; none of one without any."""
    if table not in POLICIES:
        return {}
    whole = frozenset([names.office, names.upkeep, READERS])
    found = {WHOLE_OFFICE.name: PolicyFound(WHOLE_OFFICE, True, whole)}
    if names.member:
        member = frozenset([names.member])
        found |= {each.name: PolicyFound(each, True, member) for each in member_policies(table)}
    return found


def of_policies(names: RoleNames, table: TableSecurity) -> Iterator[Difference]:
    """Yield what differs of a table's policies, and last whether they are in force."""
    declared = declared_policies(names, table.bare) if table.is_ready else {}
    for name in sorted(table.policies.keys() | declared.keys()):
        found, wanted = table.policies.get(name), declared.get(name)
        if found and found != wanted:
            which = "is not as declared" if wanted else "is not declared"
            yield Difference(
                f"policy {name} of table {table.name} {which}.",
                f"DROP POLICY {quoted(name)} ON {table.name}",
                granted_by=names.owner,
            )
        if wanted and found != wanted:
            yield Difference(
                f"table {table.name} lacks the policy {name}.",
                creation(table.name, wanted),
                granted_by=names.owner,
            )
    if declared and not table.is_secured:
        yield Difference(
            f"table {table.name} has no row level security.",
            f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY",
            granted_by=names.owner,
        )


def creation(table: str, wanted: PolicyFound) -> str:
    policy: Policy = wanted.policy
    roles = ", ".join(sorted(map(quoted, wanted.roles)))
    return (
        f"CREATE POLICY {quoted(policy.name)} ON {table} FOR {policy.command} TO {roles}"
        + (f" USING ({policy.using})" if policy.using else "")
        + (f" WITH CHECK ({policy.check})" if policy.check else "")
    )
