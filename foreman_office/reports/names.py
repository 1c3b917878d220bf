"""The name of a test: the path to it and what it is called."""

import re
from collections.abc import Sequence

from foreman_office.reports.dialects import CONSTANT, TIME_OF_RUN, Dialect

EXTENSION = re.compile(r"\.\w{1,5}$")
# busted names the class by the line: a line inserted above would rename all below.
LINE = re.compile(r"(\.\w{1,5}):\d+(:\d+)?$")
SEPARATORS = re.compile(r"[\\/:]+")
# What may follow where one name goes on from another.
BOUNDARY = frozenset(". ->[(\u203a")
KEPT_PARTS = 3


def class_prefix(
    dialect: Dialect, suites: Sequence[str], hosts: Sequence[str], classname: str, file: str
) -> str:
    """Return the part before the names of a class's tests: file, suites and class.

    What the class says already, and what a runner calls every suite, is left out.
    """
    owner = LINE.sub(r"\1", classname)
    parts = []
    if dialect.places:
        inner = "" if dialect.constant_class else owner
        named = [TIME_OF_RUN.sub("", suite) for suite in suites if not CONSTANT.fullmatch(suite)]
        for position, suite in enumerate(named):
            rest = [*named[position + 1 :], inner]
            if not any(goes_on_from(each, suite) or ends_in(each, suite) for each in rest):
                parts.append(suite)
        file = LINE.sub(r"\1", file)
        if file and not any(lies_in(each, file) for each in [*parts, inner]):
            parts.insert(0, short_path(file))
    if dialect.hosts:
        parts = [*[host for host in hosts[-1:] if host], *parts]
    if owner:
        parts.append(owner)
    return "".join(f"{part}::" for part in parts)


def goes_on_from(longer: str, shorter: str) -> bool:
    """Return whether a name is another, or goes on from it: a class from its file, part by part."""
    longer, shorter = _plain_name(longer), _plain_name(shorter)
    for beginning in (shorter, EXTENSION.sub("", shorter)):
        rest = longer.removeprefix(beginning)
        if beginning and longer.startswith(beginning) and (not rest or rest[0] in BOUNDARY):
            return True
    return False


def ends_in(longer: str, shorter: str) -> bool:
    """Return whether a name ends in another: a class with its package in the class alone."""
    return _plain_name(longer).endswith(f".{_plain_name(shorter)}")


def lies_in(owner: str, file: str) -> bool:
    """Return whether the name of a class or suite says the file as well."""
    return goes_on_from(owner, file) or (
        "/" in owner and _plain_name(file).endswith(f".{_plain_name(owner)}")
    )


def _plain_name(name: str) -> str:
    return SEPARATORS.sub(".", name.removeprefix("./")).strip(".")


def short_path(file: str) -> str:
    """Return the last parts of an absolute path; they still show that it is one."""
    plain = file.replace("\\", "/").removeprefix("./")
    if plain.startswith("/") or plain[1:3] == ":/":
        return "/" + "/".join(plain.split("/")[-KEPT_PARTS:]).lstrip("/")
    return plain
