"""What the parts cost and what is kept, beside what a user would pick instead: `seal bench`.

`inner_loop/` measures how fast adapters are trained and examined: read `workload.py` (what is done), then
`contenders.py` (who does it), then `run.py`. `retention/` measures what is left of a stream of documents:
read `strategies.py` (the ways to go on learning), then `stream.py`. Knows nothing about the command line.
"""
