"""Static files: compressed, and named by a digest of their content."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib.metadata import version

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import Storage
from django.core.management import call_command


def collect(say: Callable[[str], object] | None = None) -> None:
    """Collect static files if any has changed: compressing takes seconds."""
    note = settings.FOREMAN_VAR / "static.collected"  # outside the folder that is served
    current = fingerprint()
    if settings.STATIC_ROOT.is_dir() and note.is_file() and note.read_text() == current:
        return
    if say:
        say("Compressing the files of the pages ...")
    note.unlink(missing_ok=True)  # until all is there again
    # All of it anew: what is there is not looked into, only at how old it is.
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    note.write_text(current)


def fingerprint() -> str:
    """Return a digest of the files to collect and of the versions that process them."""
    digest = sha256(f"{version('django')} {version('whitenoise')}".encode())
    for path, storage in sources():
        with storage.open(path) as file:
            content = file.read()
        digest.update(f"\n{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def sources() -> Iterator[tuple[str, Storage]]:
    for finder in get_finders():
        yield from finder.list([])
