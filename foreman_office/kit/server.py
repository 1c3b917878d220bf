"""The web server's own lines, in the form of the office's."""

import logging
import logging.config
import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger as GunicornLogger

from foreman_office.kit.request_id import IN_ENVIRON

# A login link is good once, but a log should never have been able to use it.
SECRET_PATH = re.compile(r"(?<=^/login/once/)[^/]+")


class Logger(GunicornLogger):
    """Let gunicorn speak through the office's handler, and name each request if asked to."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logging.config.dictConfig(settings.LOGGING)
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True

    @property
    def access_log_enabled(self) -> bool:
        return settings.FOREMAN_ACCESS_LOG

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        if not self.access_log_enabled:
            return
        fields = {
            "method": environ["REQUEST_METHOD"],
            "path": SECRET_PATH.sub("…", environ["PATH_INFO"]),
            "status": int(str(resp.status).split(maxsplit=1)[0]),
            "milliseconds": round(request_time.total_seconds() * 1000, 1),
            "bytes": resp.sent,
            "address": environ.get("REMOTE_ADDR", ""),
        }
        self.access_log.info(
            "{method} {path} {status} in {milliseconds} ms".format(**fields),
            extra={"fields": fields, "request_id": environ.get(IN_ENVIRON, "")},
        )
