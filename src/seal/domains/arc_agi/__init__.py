"""Few-shot adaptation on grids (ARC): shown the demonstrations of a task, a model trains itself on them.

`load` reads tasks; `text` writes grids; `augment` changes tasks; `realise` turns a directive into training
examples; `vote` solves by several copies; `grade` grades; `domain` puts all this into the engine's nouns;
`microgrid` generates tasks.
"""

from seal.domains.arc_agi.augment import Augmentation, Refusal, augmentations
from seal.domains.arc_agi.domain import ArcAgi, ArcConfig
from seal.domains.arc_agi.grade import GridGrader, grade_grid
from seal.domains.arc_agi.load import load_tasks
from seal.domains.arc_agi.realise import RealiseConfig, leave_out, realise
from seal.domains.arc_agi.text import TEXT_FORMS, TextForm, text_form
from seal.domains.arc_agi.vote import Vote, views, vote

__all__ = [
    "ArcAgi",
    "ArcConfig",
    "Augmentation",
    "GridGrader",
    "Refusal",
    "RealiseConfig",
    "TEXT_FORMS",
    "TextForm",
    "Vote",
    "augmentations",
    "grade_grid",
    "leave_out",
    "load_tasks",
    "realise",
    "text_form",
    "views",
    "vote",
]
