"""Common words of Chinese that a line may have where its source says the same in another word: "票价" for
"门票".

Tables and their one use. Knows words, no grammar; texts are in simplified characters here (seal.signs). Words
that exclude one another (open and closed, born and died) stand in no row together.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from seal.grading import number_words, tongues
from seal.grading.pieces import western_numerals

__all__ = ["without_common_words", "without_units"]

_LIGHT: Final = (
    "可以 能够 大约 大概 左右 一共 总共 共有 共计 名称 名字 叫做 称为 "
    "名为 名叫 时间 日期 年份 城市 地方 地点 人们 其中 目前 现在 如今 "
    "它们 他们 她们 这里 那里 该馆 这座 这家 这款 这个 那个 一个 一座 "
    "一家 一位 一名 一种 数量 总数 数字 属于 作为 成为 进行 关于 根据 "
    "由于 因为 所以 并且 以及 或者 同时 方面 情况 大小 可选 需要 花费 "
    "花了 使用 采用 提供 供应 拥有 具有 含有 包括 包含 设有 有着 达到 "
    "达 为止 期间 过程 其 该 此 这 那 款 来自"
).split()
"""Words that say little by themselves."""
_ROWS: Final = (
    "成立 创立 创办 创建 建立 设立 创始 创立者 创办者 创始人 开办",
    "建成 建造 建于 修建 兴建 落成 始建 建设",
    "开馆 开放 开业 开门 营业 开张 启用 开幕",
    "闭馆 关闭 关门 打烊 休息 停业 歇业 不开放 不营业",
    "位于 坐落 坐落于 地处 处在",
    "设计 设计者 设计师 建筑师",
    "门票 票价 价格 价钱 售价 票款 起售价 收费 费用 #元",
    "免费 不收钱 不收费 不要钱",
    "参观 游览 到访 来访 游客 访客 接待 观众",
    "客人 顾客 客户 乘客 旅客 载客 购买",
    "容纳 可坐 能坐 载客 可载",
    "高度 高# 高达",
    "长度 长# 长达 全长",
    "宽度 宽# 宽达",
    "深度 深#",
    "重量 重# 重达",
    "面积 占地",
    "容量 容积",
    "航程 行程 路程",
    "速度 时速",
    "温度 气温",
    "耗时 历时 花费 用时 费时",
    "耗资 花费 造价 投资 成本",
    "担任 出任 就任 上任 任职 现任 接任 成为",
    "毕业 毕业于 就读 就读于",
    "老板 店主 主人 经营者",
    "员工 职工 雇员 工作人员",
    "教师 老师 教员",
    "收藏 藏有 馆藏 藏品 藏书",
    "拥有 现有 设有 共有",
    "首位 首个 首次 第一位 第一个 第一次 首任",
    "最多 最大 上限 可容 可载",
    "最低 最少 起售价 最便宜",
    "超过 大于 高于 多于",
    "不足 少于 低于 小于 不到",
    "发布 推出 上市 发行 发售 问世",
    "出版 发表 刊行",
    "出生 生于 诞生 出生于",
    "去世 逝世 死于 病逝",
    "负责 主管 管理",
    "妻子 太太 夫人",
    "丈夫 先生",
    "每日 每天 天天",
    "禁止 不得 不准 不许",
    "允许 准许 许可",
    "此前 以前 之前",
    "最初 开始 起初 当初",
    "退货 退款",
    "保修 保修期 质保",
    "取代 代替 替代 替换",
    "返航 返回 回程",
)
"""A row says one thing in several words; one with # counts only where a number stands in its place."""


def _with_number(word: str) -> str:
    """The pattern of a row's word."""
    return rf"\d ?{word[1:]}" if word[0] == "#" else word.replace("#", r"(?= ?\d)")


_ROW_WORDS: Final = tuple(
    (
        frozenset(word for word in row.split() if len(word) > 1 and "#" not in word),
        re.compile("|".join(_with_number(word) for word in row.split())),
    )
    for row in _ROWS
)


_WIDE_UNITS: Final = sorted((unit for unit in tongues.UNITS if unit[0] >= "\u3000"), key=len, reverse=True)
_COUNTED: Final = re.compile(
    rf"(?<=\d) ?[万亿千百]*(?:{'|'.join(_WIDE_UNITS)}|[{number_words.CJK_COUNTERS}])"
)


def without_units(text: str) -> str:
    """The text with digits for numerals, and with a space for the unit or counter that is read with each."""
    return _COUNTED.sub(" ", western_numerals(text))


def without_common_words(line: str, source: str) -> str:
    """The line with a space for each word that says little, and for each that its source says in another word
    of the row."""
    return _allowed(source).sub(" ", line)


@lru_cache(maxsize=32)
def _allowed(source: str) -> re.Pattern[str]:
    words = frozenset(_LIGHT).union(*(words for words, said in _ROW_WORDS if said.search(source)))
    words = {word for word in words if word not in source}
    return re.compile("|".join(sorted(words, key=len, reverse=True)))
