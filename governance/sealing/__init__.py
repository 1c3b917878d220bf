"""The sealed record: a Merkle tree over the record, signed checkpoints, and proofs."""
