"""What a rapid-test instrument reports: samples, items and methods as market test rooms use them, mostly negative."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Test:
    """One item an instrument can test. `usual`: values of a clean sample; `excess`: of a failing one, in `unit`.

    An empty unit means that the method gives a verdict and no number. `passes`, `fails`: the instrument's own words.
    """

    item: str
    method: str
    samples: tuple[str, ...]
    unit: str = ""
    usual: tuple[float, float] = (0.0, 0.0)
    excess: tuple[float, float] = (0.0, 0.0)
    passes: str = "阴性"
    fails: str = "阳性"


PESTICIDE = Test(
    item="农药残留",
    method="酶抑制率法",
    samples=("上海青", "菠菜", "芹菜", "生菜", "豇豆", "黄瓜", "空心菜"),
    unit="%",
    usual=(3.0, 32.0),
    excess=(58.0, 79.0),
    passes="合格",
    fails="不合格",
)
MALACHITE_GREEN = Test("孔雀石绿", "胶体金免疫层析法", ("草鱼", "鲈鱼", "黑鱼", "鳊鱼"))
CLENBUTEROL = Test(
    "克伦特罗", "胶体金免疫层析法", ("猪肉", "猪肝", "牛肉", "羊肉"), passes="未检出", fails="检出"
)
FORMALDEHYDE = Test("甲醛", "分光光度法", ("鱿鱼", "毛肚", "虾仁"), "mg/kg", (0.2, 2.5), (14.0, 32.0))
NITRITE = Test(
    "亚硝酸盐", "分光光度法", ("腊肠", "酱牛肉", "卤鸡腿"), "mg/kg", (1.0, 14.0), (41.0, 66.0), "合格", "超标"
)

TESTS = (PESTICIDE, MALACHITE_GREEN, CLENBUTEROL, FORMALDEHYDE, NITRITE)


def measure(test: Test, positive: bool, chance: np.random.Generator) -> dict[str, str | float]:
    """Sample, item, method, value and unit (when there is a number) and verdict, as the instrument words them."""
    content: dict[str, str | float] = {
        "sample": str(chance.choice(test.samples)),
        "item": test.item,
        "method": test.method,
        "verdict": test.fails if positive else test.passes,
    }
    if test.unit:
        low, high = test.excess if positive else test.usual
        content |= {"value": round(float(chance.uniform(low, high)), 1), "unit": test.unit}
    return content
