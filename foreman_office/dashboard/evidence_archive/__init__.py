"""An archive of the evidence of a program that a stranger can check without the office."""
