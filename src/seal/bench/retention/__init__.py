"""A stream of documents, learned by several strategies: what is left of each at the end, and what it costs.

`stream.py` runs it, `strategies.py` has the ways to keep what was learned. Knows nothing about the command
line.
"""
