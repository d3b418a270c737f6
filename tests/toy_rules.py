"""A point rule and a device rule that no product file knows: what a new rule is made of."""

import msgspec

from processors.judge.rule import (
    CLOSED,
    DeviceRule,
    Guard,
    Heard,
    Looked,
    PointRule,
    Refusal,
    Said,
    Sample,
    Stepped,
)
from processors.judge.rules import TABLE
from schemas.finding import Change, Severity
from schemas.profile import Profile
from schemas.rules import FACTS, Evidence, RuleFacts, Scope, Value, Words

HOT = 30.0
STUCK_AFTER_US = 600_000_000


class Hot(msgspec.Struct):
    """The point is above HOT."""

    since_us: int
    peak: float


def step_hot(hot: Hot | None, sample: Sample, profile: Profile | None) -> Stepped:
    if sample.value > HOT:
        if hot:
            hot.peak = max(hot.peak, sample.value)
            return Stepped(hot)
        said = Said(Change.OPENED, 1, Severity.ORANGE, sample.at_us, peak=sample.value, limit=HOT)
        return Stepped(Hot(sample.at_us, sample.value), (said,))
    return Stepped(None, (cooled(hot, sample.at_us),) if hot else ())


def cooled(hot: Hot, end_us: int, reason: str = "") -> Said:
    detail = {"reason": reason} if reason else {}
    return Said(Change.CLOSED, 2, Severity.ORANGE, hot.since_us, end_us, hot.peak, HOT, detail)


def still_hot(hot: Hot, stream_us: int, profile: Profile | None) -> Stepped:
    """Nobody has said for long that it cooled down."""
    if stream_us < hot.since_us + STUCK_AFTER_US:
        return Stepped(hot)
    return Stepped(None, (cooled(hot, stream_us, "stuck"),))


TOY_HOT = PointRule(
    name="toy_hot",
    zh="玩具规则：高于三十。",
    en="A toy: above thirty.",
    applies=lambda metric: metric == "temperature",
    state=Hot,
    step=step_hot,
    tick=still_hot,
    end=cooled,
    guard=lambda hot, profile: CLOSED if hot else Guard(high=HOT),
    shows=lambda hot: hot.since_us,
    by_profile=False,
)


class Chatter(msgspec.Struct):
    """Refusals in a row, with no reading between them."""

    start_us: int
    count: int = 1


def note_refusal(chatter: Chatter | None, refusal: Refusal, profile: Profile) -> Looked:
    chatter = chatter or Chatter(refusal.received_us, 0)
    chatter.count += 1
    if chatter.count != 3:
        return Looked(chatter)
    return Looked(chatter, (Said(Change.OPENED, 1, Severity.BLUE, chatter.start_us),))


def note_reading(chatter: Chatter | None, word: Heard) -> Looked:
    if chatter is None or not word.newer:
        return Looked(chatter)
    return Looked(None, quiet(chatter, word.received_us))


def quiet(chatter: Chatter, end_us: int) -> tuple[Said, ...]:
    told = chatter.count >= 3
    return (Said(Change.CLOSED, 2, Severity.BLUE, chatter.start_us, end_us),) if told else ()


TOY_CHATTER = DeviceRule(
    name="toy_chatter",
    zh="玩具规则：连续三次被拒收。",
    en="A toy: refused three times in a row.",
    state=Chatter,
    heard=note_reading,
    refused=note_refusal,
    retire=quiet,
    blocks=lambda chatter, point: True,
)

TOY_TABLE = TABLE.and_rules(point=[TOY_HOT], device=[TOY_CHATTER])

TOY_FACTS = FACTS.and_rows(
    RuleFacts(
        name=TOY_HOT.name,
        scope=Scope.POINT,
        words=Words("玩具过热", "Toy too hot"),
        to_do=Words("请把玩具放凉。", "Let the toy cool down."),
        value=Value.MEASURED,
        evidence=(Evidence.CURVE,),
        band=True,
    ),
    RuleFacts(
        name=TOY_CHATTER.name,
        scope=Scope.DEVICE,
        words=Words("玩具唠叨", "Toy chatters"),
        to_do=Words("请让玩具安静。", "Quieten the toy."),
        evidence=(Evidence.REFUSALS,),
    ),
)
