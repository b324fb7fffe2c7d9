"""The inner loop, which every door uses: self-edits are written, adapters trained on them and examined.

Read `adapt.py` first: it is the loop from one end to the other. Then `parts.py` (what a configuration's names
stand for), `workers.py` (processes that share the work), `memory.py` and `threads.py` (what fits, what is
fastest), `check.py` and `start.py` (what is looked at before a run begins). `serving/` answers many callers
together. Knows nothing about what scores are used for.
"""
