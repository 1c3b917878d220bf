"""The builders' client as one file, which any Python runs: `python3 client.pyz`."""

import hashlib
import io
import zipfile
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

MAIN = "from foreman.cli import main\n\nmain()\n"
SHEBANG = b"#!/usr/bin/env python3\n"
# Nothing of the machine or the moment is in the file: the same source is the same archive.
TIME, MODE = (1980, 1, 1, 0, 0, 0), 0o644


@cache
def client_archive() -> tuple[bytes, str]:
    """Return the archive and its ETag, built once in each process."""
    source = settings.BASE_DIR / "client" / "foreman"
    files = {f"foreman/{file.name}": file.read_bytes() for file in source.glob("*.py")}
    files["__main__.py"] = MAIN.encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, TIME)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = MODE << 16
            zipped.writestr(entry, files[name])
    content = SHEBANG + archive.getvalue()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def etag_of_archive(request: HttpRequest) -> str:
    return client_archive()[1]


@require_safe
@condition(etag_func=etag_of_archive)
def client_pyz(request: HttpRequest) -> HttpResponse:
    """Answer with the client. It holds no secret, so nobody has to log in for it."""
    response = HttpResponse(client_archive()[0], content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="client.pyz"'
    # Kept and compared again, as the office may have become a newer one.
    response.headers["Cache-Control"] = "public, no-cache"
    return response
