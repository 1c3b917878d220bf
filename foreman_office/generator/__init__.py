"""A believable office of any size, made up from a seed: to try out, to measure, to test with."""
