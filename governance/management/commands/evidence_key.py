"""Show the key that signs the sealed record, or change it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from governance.models import EvidenceKey
from governance.sealing import key_changes
from governance.sealing.keys import (
    CannotSealError,
    expected_private,
    key_file,
    newest_entry,
    public_keys,
)
from governance.sealing.notes import PublicKey
from governance.sealing.stored_tree import last_checkpoint
from governance.sealing.witness_file import expect_what_was_witnessed, witness_path

CHANGES = {
    "rotate": key_changes.rotate,
    "replace": key_changes.replace,
    "restart": key_changes.restart,
}


class Command(BaseCommand):
    help = (
        "Show the name of the sealed record, its keys, and where the private key lies. Fails if the"
        " key or the database is not the one that the record expects."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        does = parser.add_mutually_exclusive_group()
        does.add_argument(
            "--public", action="store_true", help="print the public keys alone, for verifiers"
        )
        does.add_argument(
            "--rotate", action="store_true", help="let the key sign for a new one, which follows it"
        )
        does.add_argument(
            "--replace", action="store_true", help="enter a new key: the one before is lost"
        )
        does.add_argument(
            "--restart",
            action="store_true",
            help="go on under a new name and key: rows that were sealed are not in the database",
        )
        parser.add_argument("--reason", default="", help="why the key changes; the record keeps it")

    def handle(self, *args: Any, public: bool, reason: str, **options: Any) -> None:
        try:
            if public:
                self.stdout.writelines(f"{key}\n" for key in public_keys())
                return
            for name, change in CHANGES.items():
                if options[name]:
                    self.change(name, change, reason)
            self.show()
        except CannotSealError as error:
            raise CommandError(str(error)) from error

    def change(self, name: str, change: Any, reason: str) -> None:
        if not reason.strip() and name != "rotate":
            raise CommandError(f"--{name} asks for a reason, which the record keeps: --reason TEXT")
        entry = change(reason.strip())
        self.stdout.write(self.style.SUCCESS(f"Key {entry.number} signs from now on."))
        self.stdout.write(
            "The key before it lies beside it. Nothing needs it any more: destroy it."
        )

    def show(self) -> None:
        newest = newest_entry()
        if not newest:
            self.stdout.write("Nothing is sealed yet: the watcher makes a key when it starts.")
            return
        for entry in EvidenceKey.objects.order_by("number"):
            key = PublicKey(entry.name, bytes(entry.public_key))
            reason = f": {entry.reason}" if entry.reason else ""
            self.stdout.write(
                f"key {entry.number}, {entry.entered_as} at {entry.entered_at:%Y-%m-%d %H:%M} UTC,"
                f" from checkpoint {entry.from_checkpoint} on{reason}\n  {key}"
            )
        last = last_checkpoint()
        if last:
            self.stdout.write(
                f"last checkpoint: {last.number} over {last.size} records,"
                f" {last.made_at:%Y-%m-%d %H:%M:%S} UTC"
            )
        self.stdout.write(f"private key: {key_file()}\nwitness file: {witness_path()}")
        expected_private(newest)
        expect_what_was_witnessed()
        self.stdout.write(self.style.SUCCESS("The key is the one that the record expects."))
