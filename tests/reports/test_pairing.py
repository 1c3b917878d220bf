"""Which left over name of one run is which of another: one to one, by a rule that is printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.pairing import Pair, pair_left_over, subtests_of_others, that_stood_for_others

ONE, OTHER = "<object object at 0x7fe2468c4840>", "<object object at 0x7f8c71cc4d10>"


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (f"m::t[{ONE}]", f"m::t[{OTHER}]", "address of an object"),
        ("p::TestX/0xc000012340", "p::TestX/0xc0000ab340", "address of an object"),
        ("m::t[/tmp/tmpab12/x.txt]", "m::t[/tmp/tmpcd34/x.txt]", "temporary path"),
        (
            "m::t[/tmp/pytest-of-me/pytest-7/a]",
            "m::t[/tmp/pytest-of-me/pytest-8/a]",
            "temporary path",
        ),
        (f"t[/tmp/a1/x] {ONE}", f"t[/tmp/b2/x] {OTHER}", "temporary path and address"),
        ("/home/me/lamp/t/a.js::t", "/builds/lamp/t/a.js::t", "path of the checkout"),
        (r"C:\work\lamp\a.js::t", "/builds/lamp/a.js::t", "path of the checkout"),
    ],
)
def test_a_name_is_paired_where_it_differs_in_noise_alone(before, after, rule):
    assert pair_left_over([before, "same"], ["same", after]) == [Pair(before, after, rule)]


def test_a_subtest_that_failed_is_its_test_where_only_failures_are_written():
    failed = {"m::all (i=0)", "m::all [words] (i=1, k='a')", "m::all (<subtest>)"}
    assert subtests_of_others(failed, failed, ["m::all", "m::other"]) == failed


@pytest.mark.parametrize(
    ("failed", "after"),
    [
        ("m::all (i=0)", ["m::other"]),
        ("m::all (fast)", ["m::all"]),
        ("m::all[0]", ["m::all"]),
        ("m::all", ["m::all (i=0)"]),
    ],
)
def test_what_is_no_subtest_of_a_test_stays_a_test(failed, after):
    assert subtests_of_others([failed], [failed], after) == set()
    assert subtests_of_others([failed], [failed, *after], after) == set()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["t[1]"], ["t[2]"]),
        (["t[0xdead]"], ["t[0xbeef]"]),
        (["t[2026-11-20]"], ["t[2026-11-21]"]),
        (["t[2026-11-20T12:00:00]"], ["t[2026-11-20T12:00:01]"]),
        (["t 1 - a"], ["t 2 - a"]),
        (["A::works"], ["C::works"]),
        ([f"t {ONE}"], []),
        ([f"t {ONE}", f"t {OTHER}"], [f"t {ONE[:-2]}9>"]),  # which of the two?
        ([f"t {ONE}"], [f"t {OTHER}", f"t {OTHER[:-2]}9>"]),
        ([f"t {ONE}", "u"], [f"t {ONE}", f"u {OTHER}"]),
        (["/w/a/i.js::t", "/w/c/i.js::t"], ["/w/b/i.js::t", "/w/c/i.js::t"]),  # moved within one
    ],
)
def test_numbers_dates_and_what_is_not_alone_are_never_paired(before, after):
    assert pair_left_over(before, after) == []


def test_all_tests_of_two_checkouts_are_paired_and_new_ones_are_not():
    files = [f"lamp/t{number}/a.js::works" for number in range(500)]
    before = [f"/home/me/{file}" for file in files]
    after = [f"/builds/7/{file}" for file in [*files, "lamp/new.js::works"]]
    pairs = pair_left_over(before, after)

    assert [(pair.before, pair.after) for pair in pairs] == sorted(zip(before, after, strict=False))


def test_names_without_files_and_suites_are_paired_where_every_test_is_found():
    plain, full = ["k::a", "k::b"], ["s::k::a", "s::k::b"]
    rule = "file and suites in front"

    assert pair_left_over(plain, [*full, "s::k::c"]) == [
        Pair(*names, rule) for names in zip(plain, full, strict=True)
    ]
    assert pair_left_over(full, plain) == [
        Pair(*names, rule) for names in zip(full, plain, strict=True)
    ]
    for before, after in (
        (plain, full[:1]),
        (plain, [*full, "t::k::a"]),
        ([*plain, "x"], [*full, "x"]),
        (["k::a"], ["k::b", "s::k::b"]),
    ):
        assert pair_left_over(before, after) == []


names = st.lists(
    st.sampled_from(
        [
            *(f"t {each}" for each in (ONE, OTHER, ONE[:-2] + "1>")),
            *("/w/a.js::t", "/x/w/a.js::t", "/y/w/b.js::t", "/x/w/b.js::t"),
            *("t[/tmp/a/x]", "t[/tmp/b/x]", "t[1]", "t[2]", "u"),
        ]
    ),
    unique=True,
)


@given(names, names)
def test_pairs_are_one_to_one_and_of_what_is_left_over(before, after):
    pairs = pair_left_over(before, after)
    ours, theirs = [pair.before for pair in pairs], [pair.after for pair in pairs]

    assert len(set(ours)) == len(ours)
    assert len(set(theirs)) == len(theirs)
    assert set(ours) <= set(before) - set(after)
    assert set(theirs) <= set(after) - set(before)
    assert pair_left_over(before, before) == []


def test_a_module_stood_for_the_tests_that_are_named_after_it():
    after = ["test_hold::test_expires", "tests.seat.test_free::test_x", "a.test.js > works"]

    for name in ("test_hold", "tests.seat.test_free", "tests.seat", "a.test.js"):
        assert that_stood_for_others([name], [name], after) == {name}
    for name in ("test_hol", "test_hold::test_expires", "test_x", "tests"[:4]):
        assert that_stood_for_others([name], [name], after) == set()
