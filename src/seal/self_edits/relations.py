"""Words that state the same relation: a line may say "employs" where its source says "has a staff of".

Knows two sets of such words: for English texts in general, and for the micro-world (microworld_relations.py).
Written by hand. Knows nothing about lines or sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from seal.self_edits.microworld_relations import MICROWORLD_RELATIONS
from seal.self_edits.words import Token, is_function, stem

WordSet: TypeAlias = Literal["general", "microworld"]
"""Which words are taken to state the same relation."""
RelationRows: TypeAlias = dict[int, frozenset[int]]
"""By the place of a word in a line, the rows of a table of relations that the word belongs to."""

# A row is a relation; "_" joins the two words of a phrase.
# Facts about people, companies, places and works, as any encyclopedia words them.
_GENERAL: Final = (
    "born birth birthplace native hail come_from grow raise origin",
    "founded foundation establish establishment set_up start create creation creator begin origin settle",
    "founded establish date exist existence since open charter settle start begin history origin launch",
    "lead leader head run direct director manage manager govern governor mayor chair president chief "
    "rule ruler",
    "elect mayor vote choose appoint govern",
    "make maker produce producer product manufacture manufacturer build construct assemble factory",
    "sell seller buy price cost charge trade purchase pay customer market",
    "write writer author work pen book novel compose composer",
    "publish publisher publication print release issue appear come_out bring_out edition",
    "marry marriage wed wedding spouse wife husband partner",
    "work worker employ employer employee employment job staff profession occupation career",
    "study student educate education school degree graduate graduation attend university college "
    "academy learn",
    "locate location head_office lie situate base stand headquarters headquarter seat place office find home",
    "region area district province part country belong town situate lie find",
    "inhabitant people population resident live citizen dweller",
    "employee people staff worker work workforce employ",
    "hobby enjoy fond pastime leisure like love favourite favorite interest amusement",
    "know famous fame renown celebrate speciality specialty specialize pride notable popular landmark",
    "speciality specialty dish cook food eat",
    "colour color paint dye",
    "material make consist build substance contain",
    "story tell follow life character hero heroine protagonist about main_character",
    "set setting place_in take_place play_out unfold happen occur plot background scene",
    "genre kind type call count belong read category classify consider",
    "logo mascot emblem symbol badge sign",
    "design designer invent inventor invention devise draw_up work create creator",
    "river bank water flow stream",
)
# Both sets have these.
_COMMON: Final = (
    "die death dead pass_away kill perish",
    "launch introduce introduction market release sell debut appear",
    "win winner victory defeat beat champion conquer",
    "begin start commence open onset",
    "end finish stop cease conclude conclusion final",
    "increase rise grow growth expand expansion gain",
    "decrease fall decline drop reduce reduction shrink diminish",
    "big large great huge vast extensive",
    "show demonstrate indicate suggest reveal reflect highlight illustrate imply prove",
    "use utilize employ apply application usage",
    "help aid assist support assistance",
    "cause lead result bring produce effect consequence due",
    "need require requirement necessary must demand",
    "forbid ban prohibit prevent block stop",
    "country nation state national",
    "king monarch ruler emperor queen throne reign rule",
    "army troop force soldier military",
    "attack invade invasion assault raid",
    "fight war battle combat conflict",
    "believe think consider view regard opinion belief",
    "say state claim declare announce assert argue report",
    "ask request demand seek",
    "child son daughter parent father mother family",
    "kill murder assassinate execute death",
    "name call title know refer term",
    "change alter modify transform shift",
    "part component element member belong include",
    "old ancient early age",
    "main primary chief principal major lead key",
    "many numerous several various multiple",
    "different distinct differ difference vary various",
    "similar alike same resemble like",
    "important significant crucial vital essential key importance significance major",
    "area territory land region zone",
    "money fund finance financial pay cost income",
    "law legal legislation act statute",
    "church religion religious faith",
    "teach teacher education instruct train",
    "move migrate migration relocate travel transfer",
    "give grant award receive provide",
    "own owner possess property belong",
    "destroy destruction ruin demolish damage",
    "discover discovery find uncover",
    "develop development evolve evolution progress",
    "control command dominate rule",
    "support back favour favor backing endorse",
    "reject refuse deny decline oppose opposition",
)


def relations(line: Sequence[Token], words: WordSet = "general") -> RelationRows:
    """Which words of a line state a relation, and which rows of the table they belong to."""
    table = _TABLES[words]
    rows_at: RelationRows = {}
    for at, token in enumerate(line):
        rows = table.get(token.stem, frozenset()) if token.kind == "word" or at == 0 else frozenset()
        if at + 1 < len(line):
            following = line[at + 1]
            second = following.folded if following.kind == "function" else following.stem
            rows |= table.get(f"{token.stem}_{second}", frozenset())
        if rows:
            rows_at[at] = rows
    return rows_at


def _table(relations: Sequence[str]) -> Mapping[str, frozenset[int]]:
    """By word or phrase, the rows that it stands in."""
    table: dict[str, set[int]] = {}
    for row, words in enumerate(relations):
        for word in words.split():
            key = "_".join(part if is_function(part) else stem(part) for part in word.split("_"))
            table.setdefault(key, set()).add(row)
    return {word: frozenset(rows) for word, rows in table.items()}


_TABLES: Final[dict[WordSet, Mapping[str, frozenset[int]]]] = {
    "general": _table((*_GENERAL, *_COMMON)),
    "microworld": _table((*MICROWORLD_RELATIONS, *_COMMON)),
}
