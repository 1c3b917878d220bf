"""Pair the test names of two runs that only one of them has."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

ADDRESS = re.compile(
    r"(?<= at )0x[0-9a-fA-F]{6,16}\b"  # <object object at 0x7fe2468c4840>
    r"|\b0x(?:7f|55|56)[0-9a-f]{10}\b|\b0xc0[0-9a-f]{8}\b"  # C, Go
)
TEMPORARY = re.compile(
    r"(?:/private)?/tmp/[^/\s:]+(?:/pytest-\d+)?|(?:/private)?/var/folders/\w+/\w+/T/[^/\s:]+"
    r"|[A-Za-z]:\\+Users\\+[^\\\s]+\\+AppData\\+Local\\+Temp\\+[^\\\s:]+"
)
BOTH = re.compile(f"{ADDRESS.pattern}|{TEMPORARY.pattern}")
# One of these is in whatever the patterns find; to ask for them first saves most of the asking.
HINTS = ("0x", "/tmp/", "/var/folders/", "Temp")  # noqa: S108  of names, no files
ABSOLUTE = re.compile(r"(?<![\w./\\])(?:/[^/\s:]+){2,}|(?<!\w)[A-Za-z]:(?:[\\/]+[^\\/\s:]+)+")
# The rules, as they are printed, and what they pass over.
NOISE = {
    "address of an object": ADDRESS,
    "temporary path": TEMPORARY,
    "temporary path and address": BOTH,
}
CHECKOUT = "path of the checkout"
PLACES = "file and suites in front"
MAX_PARTS = 12


class Pair(NamedTuple):
    """One test under two names: in the run before and in the run after, and by which rule."""

    before: str
    after: str
    rule: str


def pair_left_over(before: Collection[str], after: Collection[str]) -> list[Pair]:
    """Pair names that only one of two runs has, where they differ in nothing but noise.

    Names are compared exactly first. What is left over is paired where it differs in the address
    of an object, in a temporary path, or in where the work was checked out. A pair is made only
    where one name on either side is alike; numbers and dates are never passed over, and two names
    of one run are never taken for one.
    """
    then, now = set(before), set(after)
    kept, gone, come = then & now, then - now, now - then
    if not gone or not come:
        return []
    pairs: list[Pair] = []
    for rule, noise in NOISE.items():
        taken = [Pair(*names, rule) for names in _alike(gone, come, _without(noise))]
        gone -= {pair.before for pair in taken}
        come -= {pair.after for pair in taken}
        pairs += taken
    ours, theirs = _paths(gone), _paths(come)
    # Where one path stayed as it is, the work was not checked out elsewhere.
    if ours and theirs and not any(map(_path, kept)):
        pairs += _in_two_checkouts(ours, theirs)
    if not kept and not pairs:
        pairs = _named_without_places(gone, come)
    return sorted(pairs)


def _without(noise: re.Pattern[str]) -> Callable[[str], str | None]:
    def key(name: str) -> str | None:
        if not any(hint in name for hint in HINTS):
            return None
        plain, count = noise.subn("\0", name)
        return plain if count else None

    return key


def _alike(
    gone: Iterable[str], come: Iterable[str], key: Callable[[str], str | None]
) -> Iterator[tuple[str, str]]:
    """Return the names that share a key, where there is one on either side."""
    ours = _grouped(gone, key)
    theirs = _grouped(come, key) if ours else {}
    for each, names in ours.items():
        if len(names) == 1 and len(theirs.get(each, ())) == 1:
            yield names[0], theirs[each][0]


def _grouped(names: Iterable[str], key: Callable[[str], str | None]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        if (own := key(name)) is not None:
            found.setdefault(own, []).append(name)
    return found


def _in_two_checkouts(gone: Mapping[str, str], come: Mapping[str, str]) -> list[Pair]:
    """Pair names whose paths begin in one folder before, and in one other folder after.

    Of each name its path is given.
    """
    roots = _roots(gone, come)
    if roots is None:
        return []
    ours, theirs = roots
    if any(path.startswith(f"{ours}/") for path in come.values()):
        return []  # a test that was moved within one checkout is another test

    def under(root: str, paths: Mapping[str, str]) -> dict[str, list[str]]:
        beneath = f"{root}/"
        inside = (name for name, path in paths.items() if path.startswith(beneath))
        return _grouped(inside, lambda name: _plain(name).replace(beneath, "\0/"))

    there = under(theirs, come)
    return [
        Pair(names[0], there[key][0], CHECKOUT)
        for key, names in under(ours, gone).items()
        if len(names) == 1 and len(there.get(key, ())) == 1
    ]


def _named_without_places(gone: set[str], come: set[str]) -> list[Pair]:
    """Pair the names of two runs of which only one writes files and suites.

    They are told by two senders, one in counts and one in reports. All names of the run before
    have to be found: where one is missing, a test may have been deleted and another added.
    """
    for ours, theirs, told in ((gone, come, False), (come, gone, True)):
        if len(ours) != len(gone):
            continue
        endings: dict[str, list[str]] = {}
        for name in theirs:
            start = name.find("::") + 2
            while start > 1:
                if (ending := name[start:]) in ours:
                    endings.setdefault(ending, []).append(name)
                start = name.find("::", start) + 2
        found = [(name, names[0]) for name, names in endings.items() if len(names) == 1]
        if len({other for _, other in found}) == len(gone):
            return [
                Pair(other, name, PLACES) if told else Pair(name, other, PLACES)
                for name, other in found
            ]
    return []


def _roots(gone: Mapping[str, str], come: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the folders in which most of the paths of two runs begin to be alike."""
    paths = {**gone, **come}
    for depth in range(MAX_PARTS, 0, -1):
        alike = _alike(gone, come, partial(_ending, paths, depth))
        found = Counter(_differing_beginnings(gone[ours], come[theirs]) for ours, theirs in alike)
        if found:
            return found.most_common(1)[0][0]
    return None


def _plain(name: str) -> str:
    """Return a name with slashes alone in its absolute paths."""
    return ABSOLUTE.sub(lambda path: re.sub(r"[\\/]+", "/", path[0]), name)


def _paths(names: Iterable[str]) -> dict[str, str]:
    """Return the path in each name that has one."""
    return {name: path for name in names if (path := _path(name))}


def _path(name: str) -> str | None:
    """Return the first absolute path in a name that is no temporary one."""
    if "/" not in name and "\\" not in name:
        return None
    path = ABSOLUTE.search(TEMPORARY.sub("", name))
    return _plain(path[0]) if path else None


def _ending(paths: Mapping[str, str], depth: int, name: str) -> str | None:
    """Return a name with no more of its absolute path than its last parts."""
    path = paths[name]
    if path.count("/") < depth:
        return None
    return _plain(name).replace(path, "\0/" + "/".join(path.split("/")[-depth:]))


def _differing_beginnings(ours: str, theirs: str) -> tuple[str, str]:
    """Return what is left of two paths without their common end."""
    one, other = ours.split("/"), theirs.split("/")
    while len(one) > 1 and len(other) > 1 and one[-1] == other[-1]:
        one.pop()
        other.pop()
    return "/".join(one), "/".join(other)


STEPS = ("::", " > ", " \u203a ", ".", "/")


def that_stood_for_others(
    failed: Collection[str], before: Iterable[str], after: Iterable[str]
) -> set[str]:
    """Return the failed names of the run before that were no tests, and only stood for some.

    A module that could not be imported is named alone; mended, its tests are named after it.
    """
    found = _gone_on_from(failed, after)
    return found - _gone_on_from(found, before)


SUBTEST = re.compile(r"(?P<test>.+?) (?:\[[^\]]*\] )?\((?:\w+=.*|<subtest>)\)", re.DOTALL)


def subtests_of_others(
    failed: Collection[str], before: Collection[str], after: Collection[str]
) -> set[str]:
    """Return the failed names of the run before that are subtests of tests of the run after.

    unittest's runners write a test under its own name if it passes, and otherwise only those of its
    subtests that fail: `test_all (i=3)`.
    """
    return {
        name
        for name in failed
        if (subtest := SUBTEST.fullmatch(name))
        and subtest["test"] in after
        and subtest["test"] not in before
    }


def _gone_on_from(names: Collection[str], others: Iterable[str]) -> set[str]:
    """Return the names that others go on from, as a.b::c goes on from a and a.b."""
    if not names:
        return set()
    in_order = sorted(others)

    def is_begun(beginning: str) -> bool:
        place = bisect_left(in_order, beginning)
        return place < len(in_order) and in_order[place].startswith(beginning)

    return {name for name in names if any(is_begun(f"{name}{step}") for step in STEPS)}
