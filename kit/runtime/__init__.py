"""Processes, connections and servers."""
