"""Django's makemigrations, for rules too: see kit/core/rules.py."""

import re
from pathlib import Path
from typing import Any

from django.core.management.commands import makemigrations

from kit.core.rules import Autodetector


class Command(makemigrations.Command):
    autodetector = Autodetector

    def write_migration_files(self, *args: Any, **options: Any) -> None:
        super().write_migration_files(*args, **options)
        # Django indents every line of what it writes, the empty lines of SQL too.
        for file in map(Path, self.written_files):
            file.write_text(re.sub(r"[ \t]+$", "", file.read_text(), flags=re.MULTILINE))
