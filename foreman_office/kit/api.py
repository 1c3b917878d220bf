"""What all endpoints for machines share: strict JSON in, and one form of refusal out."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from pydantic import BaseModel
from pydantic import ValidationError as Invalid

from foreman_office.kit.acts import Refused

MAX_BODY = 64 * 1024
MAX_ERRORS = 20
BODY = "body"

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


def refuse(status: int, *errors: dict[str, Any]) -> JsonResponse:
    response = JsonResponse({"errors": errors[:MAX_ERRORS]}, status=status)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def error(field: str | None, rule: str, message: str) -> dict[str, Any]:
    return {"field": field, "rule": rule, "message": message}


# --- in -------------------------------------------------------------------------------------------


class StrictParser(Parser):
    """Read bodies of ninja's operations as `strict_json` does."""

    def parse_body(self, request: HttpRequest) -> Any:
        return strict_json(request.body)


def strict_json(content: bytes) -> Any:
    """Return what a JSON document says, if it says it in one way only.

    Python alone would take NaN, take the last of two equal keys, and guess the encoding.
    """
    try:
        return json.loads(
            content.decode(), object_pairs_hook=_unique_keys, parse_constant=_no_constant
        )
    except RecursionError:
        raise Problem(400, BODY, "json_depth", "The body is nested too deeply.") from None
    except ValueError as wrong:  # not UTF-8, not JSON, or a number of thousands of digits
        raise Problem(400, BODY, "json", f"The body is not JSON in UTF-8: {wrong}.") from None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Problem(400, twice, "json_unique_keys", "The key is there twice.")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def takes_json(model: type[BaseModel]) -> Callable[[Run], Run]:
    """Give an operation that takes one JSON body its bounds, and the short way through ninja.

    A good body goes straight to the view, which sees to the token itself and answers with a
    response. Anything else takes ninja's own way, is asked for its token there, and is refused.
    """

    def decorate(run: Run) -> Run:
        operation = run.__self__  # type: ignore[attr-defined]

        def respond(request: HttpRequest) -> HttpResponse:
            try:
                check_framing(request)
                body = model.model_validate(strict_json(request.body))
            except Invalid:
                return run(request)
            except Problem as problem:
                if problem.status == HTTPStatus.BAD_REQUEST:
                    return run(request)
                return operation.api.on_exception(request, problem)
            try:
                return operation.view_func(request, body)
            except (Problem, Refused) as refusal:
                return operation.api.on_exception(request, refusal)

        return respond

    return decorate


def check_framing(request: HttpRequest) -> None:
    """Refuse, before it is read, a body that is too long or is something other than JSON."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        raise Problem(411, "Content-Length", "length_known", "Say how long the body is.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise Problem(413, BODY, "body_size", f"The body is longer than {MAX_BODY} bytes.")
    if request.content_type != "application/json":
        raise Problem(415, "Content-Type", "json_only", "Send application/json.")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Problem(415, "Content-Encoding", "identity_only", "Send the body as it is.")


# --- out ------------------------------------------------------------------------------------------


def add_error_handlers(api: NinjaAPI) -> None:
    """Let every refusal of the API take the one form."""
    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _http_error)


def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return refuse(problem.status, error(problem.field, problem.rule, problem.message))


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return refuse(409, error(None, refused.rule, refused.message))


def _invalid(request: HttpRequest, invalid: ValidationError) -> HttpResponse:
    # The place begins with the source of the data and the name of the view's parameter.
    return refuse(
        422,
        *(
            error(".".join(map(str, wrong["loc"][2:])) or BODY, wrong["type"], wrong["msg"])
            for wrong in invalid.errors
        ),
    )


def _http_error(request: HttpRequest, wrong: HttpError) -> HttpResponse:
    if isinstance(wrong.__cause__, Problem):
        return _problem(request, wrong.__cause__)
    if isinstance(wrong, AuthenticationError):
        return _problem(request, unauthorized())
    return refuse(wrong.status_code, error(None, "http", wrong.message))


def unauthorized() -> Problem:
    return Problem(
        401,
        "Authorization",
        "valid_token",
        "Send 'Authorization: Bearer TOKEN' with a valid token of a builder.",
    )


class APIErrorsMiddleware:
    """Put what Django itself refuses under /api/ (no such path, wrong method) into the one form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code < 400
            or not request.path_info.startswith("/api/")
            or response.headers.get("Content-Type", "").startswith("application/json")
        ):
            return response
        status = HTTPStatus(response.status_code)
        answer = refuse(status, error(None, status.name.lower(), f"{status.description}."))
        answer.headers["Content-Length"] = str(len(answer.content))
        for name in ("Allow", "Retry-After"):
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        return answer
