"""Real servers that messages are sent to: one for mail, and one for webhooks that misbehaves."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from aiosmtpd.smtp import SMTP


class Mailbox:
    """Takes mail, but for addresses that begin with "no" (for good) or "later" (for now)."""

    def __init__(self):
        self.messages = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("no"):
            return "550 no such mailbox"
        if address.startswith("later"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    box, loop = Mailbox(), asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def wait_for(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    serving = loop.create_server(lambda: SMTP(box, hostname="localhost"), "127.0.0.1", 0)
    server = wait_for(serving)
    try:
        yield box, server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Receiver:
    """Answers each path as its first part says, and keeps what it was sent."""

    def __init__(self):
        self.requests = []
        self.free = Event()  # ends what hangs
        self.go = Event()  # lets what is held be answered

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.requests.append((handler.path, dict(handler.headers), body))
        what = handler.path.strip("/").partition("/")[0]
        if what == "hang-once":
            paths = [path for path, *_ in self.requests]
            what = "hang" if paths.count(handler.path) == 1 else "200"
        if what == "held":
            self.go.wait(30)
            what = "200"
        if what == "drip":  # a byte now and then, so that no read takes long
            with suppress(OSError):
                while not self.free.wait(0.05):
                    handler.wfile.write(b"H")
            return
        if what == "hang":
            self.free.wait(30)
            return
        if what == "drop":
            handler.connection.close()
            return
        handler.send_response(int(what))
        if what.startswith("3"):
            handler.send_header("Location", "/200")
        if what == "429":
            handler.send_header("Retry-After", "4000")
        handler.send_header("Content-Length", "0")
        handler.end_headers()


@contextmanager
def receiver() -> Iterator[tuple[Receiver, str]]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            kept.answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept, f"http://127.0.0.1:{server.server_port}"
    finally:
        kept.free.set()
        server.shutdown()
        server.server_close()
        thread.join()
