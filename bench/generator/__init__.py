"""Generate a plausible office of any size from a seed: to try out, to measure, to test with."""
