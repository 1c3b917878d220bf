"""Organisations: make and name them, say who belongs to them, and give them programs."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError
from django.db import OperationalError
from django.db.models import Count
from psycopg.errors import LockNotAvailable

from governance.actions import remove_member, set_member
from governance.models import MemberRole, OrganisationMember
from kit.core.acts import Refused
from kit.runtime.database_addresses import MEMBERS_ADDRESS, has_member
from programs.actions import (
    create_organisation,
    delete_organisation,
    move_to_organisation,
    rename_organisation,
)
from programs.models import Organisation, Program

ITSELF = "the office itself"


class Command(BaseCommand):
    help = (
        "List, add, rename or remove organisations, make users their members, and move programs to"
        " them. A member sees and does what is the organisation's own. The office log tells of each"
        " change, and the evidence of each program that moves."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        does = parser.add_subparsers(dest="does", required=True)
        does.add_parser("list", help="name all, with their programs and members")
        add = does.add_parser("add", help="make an organisation")
        rename = does.add_parser("rename", help="give one another name")
        remove = does.add_parser("remove", help="delete one that has no programs any more")
        member = does.add_parser("member", help="make a user a member, or give one another role")
        leave = does.add_parser("leave", help="let a user be a member no more")
        move = does.add_parser("move", help="give a program, with all that hangs on it, to another")
        move.add_argument("program", help="its name")
        to = move.add_mutually_exclusive_group(required=True)
        to.add_argument("organisation", nargs="?", help="its name")
        to.add_argument("--to-the-office", action="store_true", help="to no organisation")
        for each in (add, rename, remove, member, leave):
            each.add_argument("organisation", help="its name")
        rename.add_argument("name", help="the new name")
        for each in (member, leave):
            each.add_argument("username")
        member.add_argument("--role", required=True, choices=MemberRole.values)
        for each in (add, rename, remove, member, leave, move):
            is_asked = each in (rename, remove, leave, move)
            each.add_argument("--reason", required=is_asked, default="", help="kept in the record")

    def handle(self, *args: Any, does: str, **options: Any) -> None:
        if "reason" in options:
            options["reason"] = options["reason"].strip()
        try:
            said = getattr(self, does)(**options)
        except Refused as refused:
            raise CommandError(f"{refused.message} ({refused.rule})") from refused
        self.stdout.write(said)

    def list(self, **options: Any) -> str:
        programs = dict(
            Program.objects.order_by().values_list("organisation_id").annotate(Count("pk"))
        )
        lines = [
            f"{each.name}: {programs_counted(programs.get(each.pk, 0))}, {members_of(each)}"
            for each in Organisation.objects.prefetch_related("members__user")
        ]
        return "\n".join([*lines, f"{ITSELF}: {programs_counted(programs.get(None, 0))}"])

    def add(self, organisation: str, reason: str, **options: Any) -> str:
        expect_role()
        create_organisation(organisation, reason=reason, by=None)
        return f"Organisation {organisation} is there. It has no programs and no members yet."

    def rename(self, organisation: str, name: str, reason: str, **options: Any) -> str:
        rename_organisation(organisation_named(organisation), name, reason=asked(reason), by=None)
        return f"Organisation {organisation} is called {name} from now on."

    def remove(self, organisation: str, reason: str, **options: Any) -> str:
        delete_organisation(organisation_named(organisation), reason=asked(reason), by=None)
        return f"Organisation {organisation} is removed."

    def member(
        self, organisation: str, username: str, role: str, reason: str, **options: Any
    ) -> str:
        expect_role()
        user = user_named(username)
        set_member(organisation_named(organisation), user, role, reason=reason, by=None)
        return f"{username} is {role} in {organisation}." + (
            " As a superuser they see the whole office besides." if user.is_superuser else ""
        )

    def leave(self, organisation: str, username: str, reason: str, **options: Any) -> str:
        found = {"organisation": organisation_named(organisation), "user": user_named(username)}
        member = OrganisationMember.objects.filter(**found).first()
        if member is None:
            raise CommandError(f"{username} is no member of {organisation}.")
        remove_member(member, reason=asked(reason), by=None)
        return f"{username} is no member of {organisation} any more."

    def move(self, program: str, organisation: str | None, reason: str, **options: Any) -> str:
        found = Program.objects.filter(name=program).first()
        if found is None:
            raise CommandError(f"No program is named {program!r}.")
        if organisation is not None:
            expect_role()
        to = None if organisation is None else organisation_named(organisation)
        if found.organisation_id == (to and to.pk):
            raise CommandError(f"{program} belongs to {organisation or ITSELF} already.")
        self.stderr.write(
            f"{program} moves with all that hangs on it. Its tables are locked against writers"
            " meanwhile: pages that write, and the heartbeats of all builders, wait."
        )
        try:
            move_to_organisation(found, to, reason=asked(reason), by=None)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            raise CommandError(
                "Others went on writing to what would move, and nothing was changed. Try again"
                " when fewer builders report, or stop the office meanwhile."
            ) from error
        return f"{program} belongs to {organisation or ITSELF} from now on."


def programs_counted(programs: int) -> str:
    return "1 program" if programs == 1 else f"{programs} programs"


def members_of(organisation: Organisation) -> str:
    """Return the members of an organisation in words, with their roles."""
    members = organisation.members.all()
    named = sorted(f"{each.user.get_username()} ({each.role})" for each in members)
    return ", ".join(named) or "no members"


def asked(reason: str) -> str:
    if not reason:
        raise CommandError("--reason is empty: say why, for the record.")
    return reason


def organisation_named(name: str) -> Organisation:
    """Return the organisation of this name."""
    try:
        return Organisation.objects.get(name=name)
    except Organisation.DoesNotExist:
        raise CommandError(
            f"No organisation is named {name!r}. manage.py organisation list names them; add makes"
            " one."
        ) from None


def user_named(username: str) -> User:
    """Return the user of this name, who may log in or not."""
    try:
        return User.objects.get(username=username)
    except User.DoesNotExist:
        raise CommandError(
            f"No user is called {username}. Users are made in the admin, or by manage.py"
            " createsuperuser."
        ) from None


def expect_role() -> None:
    """Refuse what would let nobody in: a role of the database of their own serves members."""
    if not has_member():
        raise CommandError(
            f"Members of organisations have a role of their own in the database, and none is"
            f" configured: set {MEMBERS_ADDRESS} to its address, and run manage.py roles --apply"
            " (docs/deploy.md says how)."
        )
