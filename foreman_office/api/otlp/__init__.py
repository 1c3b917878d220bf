"""The receiver of OTLP over HTTP: what coding agents export of tokens and cost.

Metrics and log records, as protobuf or JSON, with the token of a builder. What is known is counted
(known.py); of everything else nothing is kept but the names of metrics that were not understood.
Log records may carry prompts and the bodies of tools: only their counts are read.
"""
