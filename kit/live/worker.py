"""The web server's worker, and how it stops although streams are open."""

import time
from types import FrameType

from kit.live.hub import hub
from kit.runtime.short_cut_worker import ShortCutWorker

LINGER = 0.2  # seconds that a kept connection has for a request that is on its way


class Worker(ShortCutWorker):
    """End the streams when told to stop: no request in flight would last as long."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        hub.stop()

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(min(deadline, time.monotonic() + LINGER))
