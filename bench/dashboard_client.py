"""The clients of the benchmark of dashboards: a process of open pages, or of steady heartbeats.

Each page does what `static/js/live.js` does: it listens on a stream, asks at its own address for
the parts that were touched once the last answer has rested, says which versions it has and (if it
shares) until when all that it shows was read, and asks for all parts every 15 s. `python -m
bench.dashboard_client` reads its task as a line of JSON, says `open`, and when its input ends
writes what it measured.
"""

import asyncio
import json
import re
import sys
import time
from datetime import datetime

from bench.load import Sender

LIVE = re.compile(r'id="([\w-]+)" data-live="([^"]*)"')
PULSE = re.compile(r'datetime="([^"]+)"')
SAFETY = 15
LEAST_REST = 0.1


async def read_answer(reader):
    """Return the status, the headers and the body of an answer with a length, or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(lines[0].split()[1]), headers, body.decode()


class Dashboard:
    """One open dashboard."""

    def __init__(self, port, cookie, address, *, shares):
        self.port, self.cookie, self.address, self.shares = port, cookie, address, shares
        self.touched, self.versions, self.wakes = set(), {}, asyncio.Event()
        self.pulse = self.moment = 0.0
        self.machine, self.kept = "", None
        self.ages, self.asked, self.failed = [], 0, 0

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)

    def request(self, address, **headers):
        lines = [f"GET {address} HTTP/1.1", "Host: localhost", f"Cookie: {self.cookie}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def know(self, moment):
        at, _, self.machine = moment.partition("-")
        self.moment = max(self.moment, float(at))

    async def open(self):
        reader, writer = await self.connect()
        writer.write(self.request(self.address, Connection="close"))
        status, _, html = await read_answer(reader)
        writer.close()
        if status != 200:
            raise AssertionError(f"{self.address} answered {status}")
        usual = re.search(r'data-topics="([^"]*)"', html)[1]
        self.parts = {part: {*(topics or usual).split()} for part, topics in LIVE.findall(html)}
        since = re.search(r'data-since="([^"]*)"', html)[1]
        self.know(since)
        self.note(html.partition('class="lamps"')[2].partition("</nav>")[0])
        topics = "+".join(sorted(set.union(*self.parts.values()))).replace("*", "%2A")
        self.events, self.stream = await self.connect()
        address = f"/live/?topics={topics}&since={since}"
        self.stream.write(self.request(address, Accept="text/event-stream"))
        await self.events.readuntil(b"\r\n\r\n")

    def note(self, lamps):
        """Note the newest heartbeat that is shown."""
        shown = [datetime.fromisoformat(each).timestamp() for each in PULSE.findall(lamps)]
        self.pulse = max([self.pulse, *shown])

    async def listen(self):
        """Touch the parts that each event concerns, and all every 15 s as the other pages do."""
        moment, is_poke = "", False
        while line := await self.events.readline():
            name, _, value = line.decode().strip().partition(": ")
            if name == "id":
                moment = value
            elif name == "event":
                is_poke = value == "poke"
                if value == "poll":
                    raise AssertionError("there is no room for so many streams")
            elif name == "data" and is_poke:
                self.know(moment)
                told = {*value.split()}
                self.touched |= {part for part, topics in self.parts.items() if topics & told}
                self.wakes.set()

    async def tick(self):
        shift = hash(self.address) % SAFETY
        while True:
            await asyncio.sleep(SAFETY - (time.time() + shift) % SAFETY)
            self.touched |= self.parts.keys()
            self.wakes.set()

    async def refresh(self):
        """Request what was touched, whenever the last answer has rested."""
        while True:
            await self.wakes.wait()
            self.wakes.clear()
            names, self.touched = sorted(self.touched), set()
            began = time.time()
            status, said, body = await self.ask(names)
            self.asked += 1
            now = time.time()
            if status == 200:
                drawn = json.loads(body)
                self.versions |= {name: part["etag"] for name, part in drawn.items()}
                if "lamps" in drawn:
                    # How old the page had become, before it showed what it shows now.
                    self.ages.append((now, now - self.pulse))
                    self.note(drawn["lamps"]["html"].partition("</nav>")[0])
            if status in (200, 304):
                self.know(said["foreman-moment"])
            else:
                self.failed += 1
                self.touched |= {*names}
                self.wakes.set()
            await asyncio.sleep(max(LEAST_REST, (now - began) / 2))

    async def ask(self, names):
        headers = {"HX_Request": "true", "Foreman_Parts": " ".join(names)}
        if self.shares:
            headers["Foreman_Moment"] = f"{self.moment}-{self.machine}"
        if known := [self.versions[name] for name in names if name in self.versions]:
            headers["If_None_Match"] = ", ".join(known)
        for _ in range(2):  # the server closes a connection that was idle: a browser asks again
            if self.kept is None:
                self.kept = await self.connect()
            reader, writer = self.kept
            try:
                writer.write(self.request(self.address, **headers))
                return await asyncio.wait_for(read_answer(reader), 10)
            except TimeoutError:
                writer.close()
                self.kept = None
                break
            except (OSError, asyncio.IncompleteReadError):
                self.kept = None
        return 0, {}, ""


async def keep_pages(task, told):
    pages = [Dashboard(task["port"], *each, shares=task["shares"]) for each in task["pages"]]
    for page in pages:
        await page.open()
    told()
    doing = [
        asyncio.create_task(act())
        for page in pages
        for act in (page.listen, page.refresh, page.tick)
    ]
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    done, _ = await asyncio.wait([*doing, ended], return_when=asyncio.FIRST_COMPLETED)
    if ended not in done:
        for each in done:
            each.result()
        raise ConnectionError("the server ended a stream")
    now = time.time()
    return {
        "ages": [[*page.ages, (now, now - page.pulse)] for page in pages],
        "asked": sum(page.asked for page in pages),
        "failed": sum(page.failed for page in pages),
    }


async def keep_beating(task, told):
    """Send heartbeats at a steady rate, and return how long each took from when it was due."""
    latencies, each = [], len(task["senders"]) / task["rate"]

    async def beat(sender):
        reader, writer = await asyncio.open_connection("127.0.0.1", task["port"])
        source = Sender("/api/heartbeat", **sender)
        due = time.perf_counter()
        while not ended.done():
            await asyncio.sleep(due - time.perf_counter())
            writer.write(source.next_request())
            status, _, _ = await read_answer(reader)
            if status != 201:
                raise AssertionError(f"a beat was answered {status}")
            latencies.append(time.perf_counter() - due)
            due += each

    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    told()
    await asyncio.gather(*(beat(sender) for sender in task["senders"]))
    return {"latencies": latencies}


def main():
    task = json.loads(sys.stdin.readline())

    def told():
        sys.stdout.write("open\n")
        sys.stdout.flush()

    keep = keep_pages if "pages" in task else keep_beating
    json.dump(asyncio.run(keep(task, told)), sys.stdout)


if __name__ == "__main__":
    main()
