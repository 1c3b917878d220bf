"""The page that explains the builders' API, drawn from its OpenAPI document and nothing else."""

import json
import shlex
from http import HTTPStatus
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from foreman_office.api.office_api import api

METHODS = ("get", "post", "put", "patch", "delete")
SOMETHING = "00000000-0000-0000-0000-000000000000"


class Field(NamedTuple):
    name: str
    where: str
    shape: SafeString
    required: bool
    words: str


class Body(NamedTuple):
    media: str
    shape: SafeString
    words: str


class DocumentedAnswer(NamedTuple):
    status: int
    phrase: str
    shape: SafeString


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    title: str
    words: str
    parameters: list[Field]
    bodies: list[Body]
    answers: list[DocumentedAnswer]
    curl: str


class DocumentedBody(NamedTuple):
    name: str
    words: str
    fields: list[Field]
    values: list[str]


@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    document = api.get_openapi_schema()
    office = request.build_absolute_uri("/").rstrip("/")
    return render(
        request,
        "api/docs.html",
        {
            "info": document["info"],
            "operations": operations(document, office),
            "shapes": shapes(document["components"]["schemas"]),
        },
    )


def operations(document: dict[str, Any], office: str) -> list[Operation]:
    return [
        Operation(
            id=said["operationId"],
            method=method.upper(),
            path=path,
            title=said["summary"],
            words=said["description"],
            parameters=[
                Field(
                    parameter["name"],
                    parameter["in"],
                    shape_of(parameter["schema"]),
                    parameter["required"],
                    parameter.get("description", ""),
                )
                for parameter in said["parameters"]
            ],
            bodies=[
                Body(media, shape_of(body["schema"]), body["schema"].get("description", ""))
                for media, body in said.get("requestBody", {}).get("content", {}).items()
            ],
            answers=[
                DocumentedAnswer(
                    int(status),
                    HTTPStatus(int(status)).phrase,
                    shape_of_answer(answer),
                )
                for status, answer in sorted(said["responses"].items())
            ],
            curl=curl(document, office, method, path, said),
        )
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in METHODS
    ]


def shapes(schemas: dict[str, Any]) -> list[DocumentedBody]:
    return [
        DocumentedBody(
            name=name,
            words=schema.get("description", ""),
            fields=[
                Field(
                    field,
                    "",
                    shape_of(said),
                    field in schema.get("required", []),
                    said.get("description", ""),
                )
                for field, said in schema.get("properties", {}).items()
            ],
            values=schema.get("enum", []),
        )
        for name, schema in sorted(schemas.items())
    ]


def shape_of_answer(answer: dict[str, Any]) -> SafeString:
    """Return what an answer has in it; some have nothing."""
    content = answer.get("content", {}).get("application/json")
    return shape_of(content["schema"]) if content else mark_safe("nothing")


def shape_of(schema: dict[str, Any]) -> SafeString:
    """Return in words what a value may be, with links to the shapes that have a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return format_html('<a href="#shape-{0}">{0}</a>', name)
    if "allOf" in schema:
        return join(" and ", schema["allOf"])
    if "anyOf" in schema:
        return join(" or ", schema["anyOf"])
    if "const" in schema:
        return format_html("<code>{}</code>", json.dumps(schema["const"]))
    if "enum" in schema:
        values = ((json.dumps(value),) for value in schema["enum"])
        return format_html_join(" or ", "<code>{}</code>", values)
    match schema.get("type"):
        case "array":
            return format_html("list of {}", shape_of(schema["items"]))
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return format_html("object with values: {}", shape_of(schema["additionalProperties"]))
        case kind:
            words = [schema.get("format", kind or "anything"), *bounds(schema)]
            return format_html("{}", ", ".join(words))


def join(word: str, schemas: list[dict[str, Any]]) -> SafeString:
    return format_html_join(word, "{}", ((shape_of(schema),) for schema in schemas))


def bounds(schema: dict[str, Any]) -> list[str]:
    words = {
        "minimum": "minimum {}",
        "maximum": "maximum {}",
        "exclusiveMaximum": "below {}",
        "minLength": "minimum length {}",
        "maxLength": "maximum length {}",
        "pattern": "pattern {}",
    }
    return [say.format(schema[bound]) for bound, say in words.items() if bound in schema]


def example_path(path: str, said: dict[str, Any]) -> str:
    """Return a path with an id, or the first of the values that there are, for each parameter."""
    values = {
        parameter["name"]: parameter["schema"].get("enum", [SOMETHING])[0]
        for parameter in said["parameters"]
        if parameter["in"] == "path"
    }
    return path.format(**values)


def curl(
    document: dict[str, Any], office: str, method: str, path: str, said: dict[str, Any]
) -> str:
    """Return the operation as a `curl` command to try it with."""
    address = shlex.quote(office + example_path(path, said))
    lines = [f"curl {address}", '-H "Authorization: Bearer $FOREMAN_TOKEN"']
    body = said.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        name = body["schema"]["$ref"].rpartition("/")[2]
        example = document["components"]["schemas"][name]["example"]
        content = shlex.quote(json.dumps(example, indent=2, ensure_ascii=False))
        lines += ["-H 'Content-Type: application/json'", f"-d {content}"]
    elif method != "get":
        lines.append(f"-X {method.upper()}")
    return " \\\n  ".join(lines)
