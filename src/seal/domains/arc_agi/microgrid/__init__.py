"""The micro-grids: seeded tasks without end, on rows and on small grids, with their rules known.

`rows` and `rules` are the ground; `families` shows each rule on inputs; `generate` makes one-row tasks, split
into families for pretraining and compositions held out; `plane` makes small two-dimensional ones.
"""

from seal.domains.arc_agi.microgrid.generate import (
    REAL_FAMILIES,
    REAL_HELD_OUT,
    SPLITS,
    GridSplit,
    family_of,
    free_compositions,
    make_task,
    tasks,
    warm_up,
)
from seal.domains.arc_agi.microgrid.plane import PLANE_FAMILIES, plane_tasks

__all__ = [
    "PLANE_FAMILIES",
    "REAL_FAMILIES",
    "REAL_HELD_OUT",
    "SPLITS",
    "GridSplit",
    "family_of",
    "free_compositions",
    "make_task",
    "plane_tasks",
    "tasks",
    "warm_up",
]
