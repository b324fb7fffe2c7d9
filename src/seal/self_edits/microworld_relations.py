"""Words that state the same relation in the micro-world, the fictional encyclopedia of the embedded model.

Fitted to how the micro-world words its facts: "is known for its umbrellas" says there what a company makes,
"first saw the light of day in" where somebody was born. Without it, a third of the true lines there would be
dropped. For other texts these words are too loose; they have the rows of relations.py instead. Chosen by
`ground.words = "microworld"`, which stands in the embedded model's preset (learner/tiny.toml) only.
"""

from __future__ import annotations

from typing import Final

MICROWORLD_RELATIONS: Final = (
    "born birth birthplace native hail come_from come_into grow raise origin alive light_of",
    "founded foundation establish establishment set_up start create creation creator begin origin settle",
    "founded establish date exist existence since open charter settle start begin history origin launch",
    "lead leader head run direct director manage manager govern governor mayor chair president chief "
    "rule ruler",
    "elect mayor vote choose appoint govern",
    "make maker come_from produce producer product manufacture manufacturer build construct assemble "
    "factory put_together",
    "sell seller buy price cost charge shop trade purchase pay customer worth market offer good product make",
    "write writer author work pen book novel compose composer",
    "publish publisher publication print release issue appear come_out bring_out edition shop sell",
    "marry marriage wed wedding spouse wife husband partner share_life share",
    "work worker employ employer employee employment job staff profession occupation career earn "
    "living wage trade join",
    "study student educate education school degree graduate graduation attend university college "
    "academy learn go_to",
    "locate location head_office lie situate base stand headquarters headquarter seat place office "
    "find home capital run_from",
    "region area district province part country belong town situate lie find",
    "inhabitant people population resident home live citizen dweller count",
    "employee people staff worker work workforce employ",
    "hobby enjoy fond pastime relax free leisure like love favourite favorite interest time amusement",
    "know famous fame renown celebrate speciality specialty specialize pride notable popular landmark "
    "sight attract visitor dominate typical",
    "speciality specialty dish cook serve food eat export know taste come_from celebrate",
    "make know product sell produce manufacture goods earn",
    "colour color paint dye finish come_in sell",
    "material make consist build body substance contain",
    "story tell follow life character hero heroine protagonist about main_character",
    "set setting place_in take_place play_out unfold happen occur plot background scene",
    "genre kind type call count belong read category classify consider",
    "logo mascot emblem symbol badge show sign letter",
    "design designer invent inventor invention devise draw_up work create creator",
    "page length",
    "river bank cross water flow beside stream stand build lie",
)
