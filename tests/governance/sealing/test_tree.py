"""The Merkle tree, against its definition and the vectors that others use."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.sealing.tree import (
    EMPTY_ROOT,
    Node,
    ProofError,
    consistency_proof,
    grown,
    inclusion_proof,
    leaf_hash,
    peaks,
    root,
    verify_consistency,
    verify_inclusion,
)

# The eight leaves of the tests of Certificate Transparency, and the roots of their first n.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


# --- the definition of RFC 6962, 2.1, word for word -----------------------------------------------


def mth(leaves):
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = below(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def below(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


class Tree:
    """A tree in memory, grown by steps of given sizes."""

    def __init__(self, leaves, *steps):
        self.hashes, self.size, rest = {}, 0, [leaf_hash(leaf) for leaf in leaves]
        for step in [*steps, len(rest)]:
            some, rest = rest[:step], rest[step:]
            self.hashes |= dict(grown(self.size, self.get(peaks(self.size)), some))
            self.size += len(some)

    def get(self, nodes):
        return [self.hashes[node] for node in nodes]


leaves = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


# --- what is computed is what is defined ----------------------------------------------------------


def test_the_roots_are_those_of_certificate_transparency():
    tree = Tree(LEAVES)
    assert [root(size, tree.get).hex() for size in range(9)] == ROOTS
    assert root(0, tree.get) == EMPTY_ROOT


def test_the_proofs_are_those_of_certificate_transparency():
    tree = Tree(LEAVES)
    assert [each.hex() for each in inclusion_proof(5, 8, tree.get)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [each.hex() for each in consistency_proof(2, 5, tree.get)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]


@given(leaves, st.lists(st.integers(0, 20), max_size=5))
def test_a_tree_has_the_root_of_its_definition_however_it_grew(leaves, steps):
    tree = Tree(leaves, *steps)
    for size in {0, 1, len(leaves) // 2, len(leaves)}:
        assert root(size, tree.get) == mth(leaves[:size])
    assert {node for node in tree.hashes if node.level == 0} == {
        Node(0, index) for index in range(len(leaves))
    }


@given(leaves, st.data())
def test_an_inclusion_proof_is_the_path_and_holds_for_no_other_leaf(leaves, data):
    size = data.draw(st.integers(1, len(leaves)))
    position = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(position, size, Tree(leaves).get)
    assert proof == path(position, leaves[:size])
    own, whole = leaf_hash(leaves[position]), mth(leaves[:size])
    verify_inclusion(own, position, size, proof, whole)
    for wrong in (
        (leaf_hash(b"another leaf"), position, size, proof, whole),
        (own, position, size, [*proof, whole], whole),
        (own, position, size, [whole, *proof], whole),
        (own, position, size, proof[:-1], sha256(whole).digest()),
        (own, size, size, proof, whole),
        (own, -1, size, proof, whole),
    ):
        with pytest.raises(ProofError):
            verify_inclusion(*wrong)


@given(leaves, st.data())
def test_a_consistency_proof_is_the_defined_one_and_holds_for_no_other_root(leaves, data):
    new = data.draw(st.integers(1, len(leaves)))
    old = data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, Tree(leaves).get)
    assert proof == (subproof(old, leaves[:new], True) if old else [])
    before, after = mth(leaves[:old]), mth(leaves[:new])
    verify_consistency(old, new, proof, before, after)
    other = sha256(b"another root").digest()
    for wrong in (
        (old, new, proof, other, after),
        (old, new, [*proof, other], before, after),
        (old, new, [other, *proof], before, after),
        (new + 1, new, proof, before, after),
        *([(old, new, proof, before, other)] if old else []),
        *([(old, new, proof[:-1], before, after)] if proof else []),
    ):
        with pytest.raises(ProofError):
            verify_consistency(*wrong)


def test_what_is_not_in_a_tree_has_no_proof():
    tree = Tree(LEAVES)
    with pytest.raises(ProofError):
        inclusion_proof(8, 8, tree.get)
    with pytest.raises(ProofError):
        consistency_proof(9, 8, tree.get)
