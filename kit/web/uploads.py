"""Uploaded files, and a disk without room for them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.files import uploadhandler


class TemporaryFileUploadHandler(uploadhandler.TemporaryFileUploadHandler):
    """Store a large file on the disk; if that is full, delete at once what was stored of it."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self.removing():
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        with self.removing():
            return super().file_complete(file_size)

    @contextmanager
    def removing(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            with suppress(OSError):  # what was not written yet finds no room either
                self.upload_interrupted()
            raise
