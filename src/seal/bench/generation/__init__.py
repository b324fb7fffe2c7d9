"""The benchmark of writing: samples of one prompt by this engine and by the model's own `generate`.

Side by side in one run, beside what the memory alone allows. Knows nothing about what is written.
"""

from seal.bench.generation.run import WritingSettings, run_writing

__all__ = ["WritingSettings", "run_writing"]
