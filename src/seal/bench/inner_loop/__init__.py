"""The benchmark of the inner loop: the same work by this engine and by what a user would pick instead.

workload (what is done) → contenders (who does it) → operations and rates (what the machine could do) → run
(rounds, alternating) → figures → tables. Knows nothing about what is learned: all texts are random token ids.
"""

from seal.bench.inner_loop.run import BenchSettings, run_benchmark

__all__ = ["BenchSettings", "run_benchmark"]
