"""The base of all endpoints: strict JSON in requests, and one form of refusal in answers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from pydantic import BaseModel
from pydantic import ValidationError as Invalid

from kit.core.acts import Refused
from kit.core.json_bounds import MAX_CONTAINERS, MAX_KEYS, MAX_VALUES, has_too_many_values
from kit.web.large import one_at_a_time, refuse_in_a_crowd

MAX_BODY = 64 * 1024
MAX_ERRORS = 20
BODY = "body"
# What an operation takes, and how much of it.
JSON = {"application/json": MAX_BODY}
TOO_MANY_VALUES = (
    f"The body may have at most {MAX_CONTAINERS} objects and lists, and {MAX_VALUES} values."
)

Run = Callable[..., HttpResponse]


class Problem(Exception):
    """What is wrong with a request: the field, the rule that it breaks, and a sentence."""

    def __init__(self, status: int, field: str | None, rule: str, message: str) -> None:
        super().__init__(message)
        self.status, self.field, self.rule, self.message = status, field, rule, message


class Error(Schema):
    field: str | None
    rule: str
    message: str


class Errors(Schema):
    errors: list[Error]


def is_api(request: HttpRequest) -> bool:
    """Return whether the address is one of the API's, of MCP, or of the receiver of OTLP."""
    path = request.path_info
    return path.startswith(("/api/", "/otlp/")) or path == "/mcp"


def is_from_a_machine(request: HttpRequest) -> bool:
    """Return whether a request is to the API, and not to a page of the office."""
    return is_api(request) and request.path_info != "/api/docs"


def refuse(status: int, *errors: dict[str, Any]) -> JsonResponse:
    response = JsonResponse({"errors": errors[:MAX_ERRORS]}, status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def error(field: str | None, rule: str, message: str) -> dict[str, Any]:
    return {"field": field, "rule": rule, "message": message}


# --- in -------------------------------------------------------------------------------------------


class StrictParser(Parser):
    """Parse bodies of ninja's operations as `strict_json` does."""

    def parse_body(self, request: HttpRequest) -> Any:
        return strict_json(request.body)


def strict_json(content: bytes) -> Any:
    """Return the value of a JSON document that has exactly one meaning.

    Python alone would take NaN, take the last of two equal keys, and guess the encoding.
    """
    try:
        text = content.decode()
        if has_too_many_values(text):
            raise Problem(422, BODY, "json_values", TOO_MANY_VALUES)
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except RecursionError:
        raise Problem(400, BODY, "json_depth", "The body is nested too deeply.") from None
    except ValueError as wrong:  # not UTF-8, not JSON, or a number of thousands of digits
        raise Problem(400, BODY, "json", f"The body is not JSON in UTF-8: {wrong}.") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise Problem(422, BODY, "json_keys", f"An object may have at most {MAX_KEYS} keys.")
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        twice = next(key for key, times in counted.items() if times > 1)
        raise Problem(400, twice, "json_unique_keys", "Duplicate key.")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def takes_json(model: type[BaseModel]) -> Callable[[Run], Run]:
    """Bound an operation that takes one JSON body, and call it without ninja's own parsing.

    A good body goes straight to the view, which sees to the token itself and answers with a
    response. A wrong one takes ninja's own way, is asked for its token there, and is refused.
    """

    def decorate(run: Run) -> Run:
        operation = run.__self__  # type: ignore[attr-defined]

        def respond(request: HttpRequest) -> HttpResponse:
            try:
                content = read_body(request)
                try:
                    body = model.model_validate(strict_json(content))
                except (Problem, Invalid):
                    return run(request)
                return operation.view_func(request, body)
            except (Problem, Refused) as refusal:
                return operation.api.on_exception(request, refusal)

        return respond

    return decorate


def takes(media: Mapping[str, int]) -> Callable[[Run], Run]:
    """Bound the body of an operation: the types that it takes, each with its size.

    They hold before ninja asks for the token, and before anything is read.
    """

    def decorate(run: Run) -> Run:
        operation = run.__self__  # type: ignore[attr-defined]

        def respond(request: HttpRequest, **path: Any) -> HttpResponse:
            try:
                size = len(read_body(request, media))
            except Problem as problem:
                return operation.api.on_exception(request, problem)
            # The client has sent it all by now: none waits for a slow one.
            with one_at_a_time(size):
                return run(request, **path)

        return respond

    return decorate


def read_body(request: HttpRequest, media: Mapping[str, int] = JSON) -> bytes:
    """Return the body; one that is too long, or of another type, is not even read."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise Problem(411, "Content-Length", "length_known", "Send a Content-Length header.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    limit = media.get(request.content_type or "", MAX_BODY)
    if not length.isdecimal() or int(length) > limit:
        raise Problem(413, BODY, "body_size", f"The body may have at most {limit} bytes.")
    if request.content_type not in media:
        rule = "json_only" if media is JSON else "media_type"
        raise Problem(415, "Content-Type", rule, f"The content type must be {' or '.join(media)}.")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Problem(415, "Content-Encoding", "identity_only", "Send the body unencoded.")
    refuse_in_a_crowd(int(length))
    try:
        return request.body
    except UnreadablePostError:
        raise Problem(400, BODY, "body_complete", "The body is incomplete.") from None


# --- out ------------------------------------------------------------------------------------------


def add_error_handlers(api: NinjaAPI) -> None:
    """Register handlers that answer every refusal of the API in one form."""

    @api.exception_handler(Problem)
    def problem(request: HttpRequest, problem: Problem) -> HttpResponse:
        return refuse(problem.status, error(problem.field, problem.rule, problem.message))

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, refused: Refused) -> HttpResponse:
        return refuse(409, error(None, refused.rule, refused.message))

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, invalid: ValidationError) -> HttpResponse:
        return refuse(
            422,
            *(
                error(field_of(wrong["loc"]), wrong["type"], message_of(wrong))
                for wrong in invalid.errors
            ),
        )

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, wrong: HttpError) -> HttpResponse:
        if isinstance(wrong.__cause__, Problem):  # ninja wraps what its parser raises
            return problem(request, wrong.__cause__)
        if isinstance(wrong, AuthenticationError):
            return problem(request, unauthorized())
        return refuse(wrong.status_code, error(None, by_status(wrong.status_code), str(wrong)))

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, missing: Http404) -> HttpResponse:
        return refuse(404, error(None, by_status(404), str(missing)))


def field_of(loc: tuple[str | int, ...]) -> str:
    """Return the field's name as its sender knows it: ninja puts source and parameter before it."""
    if len(loc) == 2 and loc[0] in ("query", "path", "header"):
        return str(loc[1])
    inside = loc[2:]
    return ".".join(map(str, inside)) if inside else BODY


NOT_BLANK = r"\S"
# How Pydantic writes the beginning of a day in UTC.
PYTHON_TIME = re.compile(
    r"datetime\.datetime\((\d+), (\d+), (\d+), 0, 0, tzinfo=datetime\.timezone\.utc\)"
)


def message_of(wrong: dict[str, Any]) -> str:
    """Return what is wrong with a field; a bound that is a time is written as its sender would."""
    message: str = wrong["msg"]
    if wrong["type"] == "string_pattern_mismatch":
        # A regular expression is for programs, which have it from the document.
        if wrong["ctx"]["pattern"] == NOT_BLANK:
            return "It must not be blank."
        return "It does not have the form that the documentation of the API shows."
    return PYTHON_TIME.sub(lambda day: "{}-{:0>2}-{:0>2}T00:00:00Z".format(*day.groups()), message)


def refuse_other_parameters(request: HttpRequest, *known: str) -> None:
    """Refuse parameters of the address that an operation does not have, or that come twice.

    One may be misspelt, and of two nobody knows which is meant.
    """
    for name in sorted(request.GET.keys() - {*known}):
        raise Problem(422, name, "unknown_parameter", "There is no such parameter.")
    for name in known:
        if len(request.GET.getlist(name)) > 1:
            raise Problem(422, name, "parameter_given_once", "The parameter is given twice.")


def unauthorized() -> Problem:
    return Problem(
        401,
        "Authorization",
        "valid_token",
        "Send 'Authorization: Bearer TOKEN' with a valid token.",
    )


def by_status(status: int) -> str:
    """Return the rule of an answer that has no better name than its status."""
    return HTTPStatus(status).name.lower()


class APIErrorsMiddleware:
    """Answer Django's own refusals under /api/ (no such path, wrong method) in the one form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code >= 400
            and request.path_info.startswith("/api/")
            and response.headers.get("Content-Type") != "application/json"
        ):
            status = HTTPStatus(response.status_code)
            answer = refuse(status, error(None, by_status(status), f"{status.description}."))
            # In place: other headers (Allow, Retry-After, those of the policies) stay true.
            response.content = answer.content
            response.headers["Content-Type"] = "application/json"
            response.headers["Content-Length"] = str(len(answer.content))
        return response
