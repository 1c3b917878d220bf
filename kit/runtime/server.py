"""The web server's log lines, in the format of the office's."""

import logging
import logging.config
from datetime import timedelta
from typing import Any

from django.conf import settings
from gunicorn.glogging import Logger as GunicornLogger

from kit.core.request_id import IN_ENVIRON
from kit.web.client_address import client_address


class Logger(GunicornLogger):
    """Write gunicorn's log through the office's handler, with each request if requested."""

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
            "method": environ.get("REQUEST_METHOD", ""),
            "path": environ.get("PATH_INFO", ""),
            "status": int(str(resp.status).split(maxsplit=1)[0]),
            "milliseconds": round(request_time.total_seconds() * 1000, 1),
            "bytes": resp.sent,
            "address": client_address(environ),
        }
        self.access_log.info(
            "{method} {path} {status} in {milliseconds} ms".format(**fields),
            extra={"fields": fields, "request_id": environ.get(IN_ENVIRON, "")},
        )
