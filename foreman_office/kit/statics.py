"""Static files as the office serves them: compressed, and named by what is in them."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage
from django.core.management import call_command


def collect() -> None:
    """Collect what has changed since it was collected last: to compress it takes seconds."""
    note = settings.FOREMAN_VAR / "static.collected"  # beside what everybody may read
    current = fingerprint()
    if settings.STATIC_ROOT.is_dir() and note.is_file() and note.read_text() == current:
        return
    note.unlink(missing_ok=True)  # until all is there again
    # All of it anew: what is there is not looked into, only at how old it is.
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    note.write_text(current)


def fingerprint() -> str:
    """Name what there is to collect, and what makes of it what is served."""
    digest = sha256(f"{version('django')} {version('whitenoise')}".encode())
    for path, storage in sources():
        with storage.open(path) as file:
            content = file.read()
        digest.update(f"\n{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def sources() -> Iterator[tuple[str, Storage]]:
    for finder in get_finders():
        yield from finder.list([])
