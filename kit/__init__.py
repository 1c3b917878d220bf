"""The lowest layer: it knows Django only, and no app of the office."""
