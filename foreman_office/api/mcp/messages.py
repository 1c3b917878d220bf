"""The messages of MCP: which revision a request speaks, what is wrong with it, and its answer.

Two eras meet at one address. Up to 2025-11-25 a client begins with `initialize` and names the
revision in a header; from 2026-07-28 on each request says in `_meta` who it is, and headers repeat
its method and name.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import mcp_types as types
from mcp_types import jsonrpc
from mcp_types.methods import parse_client_request, serialize_server_result
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError

MODERN = tuple(reversed(MODERN_PROTOCOL_VERSIONS))
# Those that have this transport; the newest is offered to a client that asks for another one.
WITH_HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")
SUPPORTED = (*MODERN, *WITH_HANDSHAKE)
# What a client that sends no header speaks, as the specification has it.
WITHOUT_HEADER = "2025-03-26"
VERSION_HEADER, METHOD_HEADER, NAME_HEADER = "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
KEY_HEADER, KEY_META = "Idempotency-Key", "idempotencyKey"
KEY = re.compile(r"[!-~]{1,200}")
ENCODED = re.compile(r"=\?base64\?(.*)\?=")
STATUS_OF = {
    jsonrpc.PARSE_ERROR: 400,
    jsonrpc.INVALID_REQUEST: 400,
    jsonrpc.INVALID_PARAMS: 400,
    jsonrpc.HEADER_MISMATCH: 400,
    jsonrpc.UNSUPPORTED_PROTOCOL_VERSION: 400,
    jsonrpc.METHOD_NOT_FOUND: 404,
}


class Wrong(Exception):
    """What is wrong with a message, as an error of the protocol."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class Call(NamedTuple):
    """A request that may be executed: its id, method, checked parameters and revision."""

    id: types.RequestId
    method: str
    params: Any
    version: str

    @property
    def is_modern(self) -> bool:
        return self.version in MODERN


def read_message(told: Any) -> jsonrpc.JSONRPCRequest | None:
    """Return the request in a body; None for a notification or an answer, which ask for nothing."""
    if isinstance(told, dict):
        model = jsonrpc.JSONRPCRequest if "id" in told else jsonrpc.JSONRPCNotification
        is_answer = "method" not in told and ("result" in told or "error" in told)
        try:
            if is_answer:
                return None
            read = model.model_validate(told)
        except ValidationError:
            pass
        else:
            return read if isinstance(read, jsonrpc.JSONRPCRequest) else None
    raise Wrong(jsonrpc.INVALID_REQUEST, "Send one request or notification of JSON-RPC 2.0.")


def check_unasked(told: Mapping[str, Any], version: str) -> None:
    """Raise if a message that asks for nothing is one that its revision does not have."""
    if version in MODERN and "method" not in told:
        raise Wrong(
            jsonrpc.INVALID_REQUEST, "The office asks nothing, so there is no answer to it."
        )


def version_of(told: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """Return the revision that a message speaks, or raise that it is not supported.

    A message of the newer era that contradicts its headers is refused as such by `checked_call`.
    """
    named = headers.get(VERSION_HEADER)
    if named is None:
        # `_meta` of the newer era without the header is a mismatch, not an older revision.
        return MODERN[0] if meta_of(told).get(types.PROTOCOL_VERSION_META_KEY) else WITHOUT_HEADER
    if named not in SUPPORTED:
        raise unsupported(named)
    if named not in MODERN and types.PROTOCOL_VERSION_META_KEY in meta_of(told):
        raise mismatch(VERSION_HEADER, "the version in _meta")
    return named


def unsupported(version: str) -> Wrong:
    data = {"supported": list(SUPPORTED), "requested": version}
    message = "Unsupported protocol version"
    return Wrong(jsonrpc.UNSUPPORTED_PROTOCOL_VERSION, message, data)


def offered(asked: str) -> str:
    """Return the revision for a client that begins with a handshake: its own, or the newest."""
    return asked if asked in WITH_HANDSHAKE else WITH_HANDSHAKE[0]


def mismatch(header: str, what: str) -> Wrong:
    return Wrong(jsonrpc.HEADER_MISMATCH, f"The header {header} is not {what}.")


def meta_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    params = told.get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return meta if isinstance(meta, dict) else {}


def checked_call(told: Mapping[str, Any], version: str, headers: Mapping[str, str]) -> Call:
    """Return the request of a message; raise what is wrong with its headers, method or params."""
    if version in MODERN:
        check_envelope(told, headers)
    method, params = told["method"], told.get("params")
    try:
        asked = parse_client_request(method, version, params)
    except KeyError:
        raise not_found(method) from None
    except ValidationError as invalid:
        wrong = invalid.errors(include_url=False)[0]
        place = ".".join(map(str, wrong["loc"]))
        raise Wrong(jsonrpc.INVALID_PARAMS, f"{place}: {wrong['msg']}.") from None
    return Call(told["id"], method, asked.params, version)


def idempotency_key(call: Call, headers: Mapping[str, str]) -> str:
    """Return the key with which a call may be sent again, or nothing.

    The protocol has none, and a JSON-RPC id does not serve: each client counts from the beginning,
    so the same id with the same arguments may be another run of the tests.
    """
    key = headers.get(KEY_HEADER) or (call.params.meta or {}).get(KEY_META) or ""
    if key and not (isinstance(key, str) and KEY.fullmatch(key)):
        raise Wrong(jsonrpc.INVALID_PARAMS, "An idempotency key has 1 to 200 printable characters.")
    return str(key)


def call_digest(tool: str, arguments: Mapping[str, Any]) -> bytes:
    """Return a digest of what a call asks for, whatever its id."""
    return sha256(json.dumps([tool, arguments], sort_keys=True).encode()).digest()


def not_found(method: str) -> Wrong:
    return Wrong(jsonrpc.METHOD_NOT_FOUND, f"There is no method {method} here.")


def check_envelope(told: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Raise what is wrong with the `_meta` of a request, or with the headers that repeat it."""
    meta = meta_of(told)
    for key in (types.PROTOCOL_VERSION_META_KEY, types.CLIENT_CAPABILITIES_META_KEY):
        if key not in meta:
            raise Wrong(jsonrpc.INVALID_PARAMS, f"params._meta lacks {key}.")
    version = meta[types.PROTOCOL_VERSION_META_KEY]
    if headers.get(VERSION_HEADER) is None or headers[VERSION_HEADER] != version:
        raise mismatch(VERSION_HEADER, "the version in _meta")
    if headers.get(METHOD_HEADER) != told["method"]:
        raise mismatch(METHOD_HEADER, "the method")
    field = NAMED_BY.get(told["method"])
    name = told["params"].get(field) if field else None
    if name is not None and decoded(headers.get(NAME_HEADER)) != name:
        raise mismatch(NAME_HEADER, f"the {field} in params")


def decoded(value: str | None) -> str | None:
    """Return a header's value, of which what is no plain ASCII comes in base64; None if damaged."""
    found = ENCODED.fullmatch(value or "")
    if not found:
        return value
    try:
        content = base64.b64decode(found[1], validate=True)
        is_canonical = base64.b64encode(content).decode() == found[1]
        return content.decode() if is_canonical else None
    except (binascii.Error, UnicodeDecodeError):
        return None


# --- answers --------------------------------------------------------------------------------------


def answered(call: Call, result: types.Result, server: types.Implementation) -> dict[str, Any]:
    """Return the answer to a request, in the shape of its revision."""
    said = serialize_server_result(call.method, call.version, dumped(result))
    if call.is_modern:
        said["_meta"] = {**said.get("_meta", {}), types.SERVER_INFO_META_KEY: dumped(server)}
    return {"jsonrpc": "2.0", "id": call.id, "result": said}


def refused(wrong: Wrong, request_id: types.RequestId | None) -> dict[str, Any]:
    error = jsonrpc.ErrorData(code=wrong.code, message=wrong.message, data=wrong.data)
    return {"jsonrpc": "2.0", "id": request_id, "error": dumped(error)}


def http_status_of(wrong: Wrong, version: str | None) -> int:
    """Return the HTTP status of an error; the older era has one only for what is no request."""
    if version in WITH_HANDSHAKE and wrong.code in (
        jsonrpc.METHOD_NOT_FOUND,
        jsonrpc.INVALID_PARAMS,
    ):
        return 200
    return STATUS_OF.get(wrong.code, 200)


def dumped(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)
