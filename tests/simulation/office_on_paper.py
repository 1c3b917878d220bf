"""An office that a simulated builder talks to, without a server."""

import json
from email.message import Message

from foreman.errors import ForemanError
from foreman.office import Answer, Office

from foreman_office.simulation.builder import SimulatedBuilder, client_for, facts


def a_task(task_id="a", state="assigned", progress=0):
    """Return an instruction, as far as a builder of the demo reads it."""
    return {
        "task_id": task_id,
        "name": "Hold a seat",
        "state": state,
        "progress_percentage": progress,
        "architecture": {"reference": "architecture/hold.md"},
        "suite": {"location": "tests/hold/"},
        "evidence_location": None,
    }


FACTS = facts(a_task())


class OfficeOnPaper(Office):
    """Assigns one task at a time, records what it is sent, and fails as often as it should.

    A failure is an error to raise or the status of a refusal.
    """

    def __init__(self, task=None, failures=()):
        super().__init__("http://office.test", "fo_paper")
        self.task, self.failures, self.heard, self.tries = task, list(failures), [], []

    def ask(self, method, path, body=None, headers={}, timeout=0):
        status, said = 200, {"builder_id": "ui-builder", "task": self.task}
        if method == "POST":
            sent = (path, body, headers.get("Idempotency-Key"))
            self.tries.append(sent)
            failure = self.failures.pop(0) if self.failures else None
            if isinstance(failure, Exception):
                raise failure
            if failure:
                status, said = failure, {"errors": [{"field": None, "message": "No."}]}
            else:
                self.heard.append(sent)
        return Answer(status, Message(), json.dumps(said))

    @property
    def beats(self):
        return [json.loads(body) for path, body, _ in self.heard if path == "/api/heartbeat"]

    @property
    def acts(self):
        return [path.rpartition("/")[2] for path, _, _ in self.heard]


def at_work(office, seed=1):
    """Return a simulated builder of this office, whose client waits for no answer."""
    client = client_for(office.url, office.token)
    client.office, client.patience = office, 0
    return SimulatedBuilder("ui-builder", client, seed)


def work(office, turns, seed=1):
    """Run a builder's turns, and return what it was heard to say."""
    worker = at_work(office, seed)
    for _ in range(turns):
        try:
            worker.turn()
        except ForemanError:
            continue
    return [(beat["status"], beat["progress_percentage"], beat["message"]) for beat in office.beats]


# --- the script ----------------------------------------------------------------------------------


def steps_of(play, kind):
    return [step for step in play if isinstance(step, kind)]
