"""A request has a name: in its answer, in the log's lines about it, in the evidence it leaves."""

import json
import logging
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.http import HttpResponse

from governance.models import Evidence
from kit.core import request_id
from kit.core.acts import act
from kit.core.request_id import IN_ENVIRON, RequestIDMiddleware
from kit.runtime.logs import JSONFormatter, LineFormatter
from kit.runtime.server import Logger
from programs.models import Program
from tests.factories import UserFactory


def written(formatter, record):
    return formatter.format(record)


def record(message="said %s", *args, error=None, **extra):
    made = logging.LogRecord("foreman.test", logging.INFO, __file__, 1, message, args, error)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize("name", ["4bf92f3577b34da6", "edge/1.2:a-b_c@d+e=", "x" * 128])
def test_a_request_keeps_the_name_it_brings(client, name):
    assert client.get("/healthz", headers={"X-Request-ID": name})["X-Request-ID"] == name


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "ä", "x" * 129, '{"a":1}', "<b>"])
def test_a_name_that_a_log_would_have_to_escape_is_not_taken(rf, name):
    middleware = RequestIDMiddleware(lambda request: HttpResponse())
    given = middleware(rf.get("/", HTTP_X_REQUEST_ID=name))["X-Request-ID"]
    assert given != name
    assert len(given) == 32


def test_two_requests_have_two_names(client):
    one, other = (client.get("/healthz")["X-Request-ID"] for _ in range(2))
    assert one != other
    assert request_id.current.get() == ""


def test_a_request_that_fails_leaves_no_name_behind(rf):
    def fail(request):
        assert request_id.current.get() == request.META[IN_ENVIRON]
        raise LookupError

    with pytest.raises(LookupError):
        RequestIDMiddleware(fail)(rf.get("/"))
    assert request_id.current.get() == ""


@pytest.mark.django_db
def test_what_is_done_in_a_request_names_it_in_the_evidence(rf):
    def view(request):
        with act(UserFactory(username="ada"), reason="mine"):
            Program.objects.create(name="P", description="p")
        return HttpResponse()

    RequestIDMiddleware(view)(rf.get("/", HTTP_X_REQUEST_ID="r-1"))
    context = Evidence.objects.get(action="created", entity_type="program").context
    assert (context["request_id"], context["user"], context["reason"]) == ("r-1", "ada", "mine")


def test_a_line_for_people_ends_with_the_request():
    formatter = LineFormatter("%(levelname)s %(name)s: %(message)s")
    assert written(formatter, record("100 %")) == "INFO foreman.test: 100 %"
    named = record("said %s", "so", request_id="r-1")
    assert written(formatter, named) == "INFO foreman.test: said so [r-1]"


def test_a_line_for_machines_is_one_object():
    try:
        raise LookupError("two\nlines")
    except LookupError as error:
        failed = record("said %s", "ä\n", error=(type(error), error, error.__traceback__))
    line = written(JSONFormatter(), failed)
    said = json.loads(line)
    assert "\n" not in line
    assert said["message"] == "said ä\n"
    assert said["level"] == "INFO"
    assert said["logger"] == "foreman.test"
    assert said["time"].endswith("+00:00")
    assert said["traceback"].startswith("Traceback")
    assert "request_id" not in said


def test_a_line_within_a_request_names_it_for_machines(rf):
    lines = []

    def view(request):
        lines.append(JSONFormatter().format(record("hello")))
        return HttpResponse()

    answer = RequestIDMiddleware(view)(rf.get("/"))
    assert json.loads(lines[0])["request_id"] == answer["X-Request-ID"]


def test_a_line_about_a_request_that_is_over_names_it_too(rf):
    request = rf.get("/", HTTP_X_REQUEST_ID="r-1")
    RequestIDMiddleware(lambda request: HttpResponse())(request)
    said = json.loads(JSONFormatter().format(record("done", request=request)))
    assert said["request_id"] == "r-1"


def access(settings, path, caplog):
    settings.FOREMAN_ACCESS_LOG = True
    server = Logger.__new__(Logger)
    server.access_log = logging.getLogger("gunicorn.access.test")
    server.access_log.setLevel(logging.INFO)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, IN_ENVIRON: "r-1"}
    answer = SimpleNamespace(status="200 OK", sent=12, headers=[])
    server.access(answer, None, environ, timedelta(milliseconds=1.5))
    return json.loads(JSONFormatter().format(caplog.records[-1]))


def test_the_web_servers_lines_have_the_same_form(settings, caplog):
    said = access(settings, "/tasks/", caplog)
    assert said["message"] == "GET /tasks/ 200 in 1.5 ms"
    assert (said["request_id"], said["status"], said["milliseconds"]) == ("r-1", 200, 1.5)


def test_a_login_link_is_not_written_down(settings, caplog):
    assert access(settings, "/login/once/secret/", caplog)["path"] == "/login/once/…/"
