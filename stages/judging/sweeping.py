"""What is looked through when the configuration has changed, or a shop has removed the app: one subject at a time.

Of a new configuration a subject hears where something is open or waited for: what nobody watches any more is withdrawn,
and the other rules judge those conditions again. Nothing else begins by it: that words have changed is no news of an
order, and what was known before them is judged by them with its next news, not all at once.

Of a shop that is gone nothing is waited for: what it does not tell any more has not failed to happen; and nobody is
told of what was still on its way. What is open stays open, but for what was told of the app's own work there. Each task
remembers since when a shop is gone; a subject is back with its own next news. Not promised: that a second uninstalling
is known from a delivery that does not say when it happened.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from schemas import subjects
from schemas.configuration import Rules
from schemas.signals import ShopUninstalled
from stages.dossiers.dossier import Dossier
from stages.judging.episodes import TRACK, name_of, split_name
from stages.judging.judgement import Judgement
from stages.judging.waits import Waits
from stages.rules.rule import Clear, Rule, Verdict
from stages.stage import Context, Family, Outcome

#: When a shop removed the app, in every task, under the shop as a whole. No dossier lives longer than it.
GONE: Family[datetime] = Family("gone", datetime, ttl=timedelta(days=90))
#: Of the app itself, of the law and of us: these go on without the shop.
_GO_ON = frozenset({"storefront-critical", "privacy-request", "pipeline-degraded"})
#: Of webhooks, which are the app's: without it none come, and none are missing.
_OF_OUR_WORK = frozenset({"sync-stopped", "subscription-missing"})

#: Which of a rule's verdicts count.
Sieve = Callable[[Rule, Iterable[Verdict]], Iterable[Verdict]]


def switched_off(rules: Rules) -> frozenset[str]:
    """By name, or by a switch of their own."""
    switches = {"order-high-risk": rules.orders.high_risk, "order-address-invalid": rules.orders.address_invalid}
    return frozenset({*rules.off, *(name for name, is_on in switches.items() if not is_on)})


# --- another configuration --------------------------------------------------------------------------------------------


def standing(judgement: Judgement, subject: str, context: Context) -> frozenset[str]:
    """The conditions that are open or waited for."""
    return frozenset({*judgement.open, *(name.decode() for name, _ in context.state.scan(TRACK, subject))})


def withdrawn(
    judgement: Judgement, names: Iterable[str], watched: Collection[str], off: Collection[str]
) -> Iterator[Outcome]:
    """`watched`: the names of the rules that look at such a subject; `off`: those that are switched off."""
    for name in sorted(names):
        rule = split_name(name)[0]
        if rule in off:
            yield from judgement.withdraw(name, "the rule is switched off")
        elif rule not in watched:
            yield from judgement.withdraw(name, "the rule does not exist any more")


def of_standing(names: Collection[str], sieve: Sieve) -> Sieve:
    """Those on what stands already. An end is the configuration's doing, and at no other time than now."""

    def sift(rule: Rule, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
        for verdict in sieve(rule, verdicts):
            if name_of(rule.name, verdict.key) not in names:
                continue
            if isinstance(verdict, Clear):
                verdict = Clear(f"the configuration changed: {verdict.because}", verdict.key, state=verdict.state)
            yield verdict

    return sift


# --- a shop without the app -------------------------------------------------------------------------------------------


def has_gone(signal: ShopUninstalled, context: Context) -> bool:
    """Remembers it. False where this task has heard of it, or of a later time, before."""
    subject = subjects.shop_wide(signal.shop)
    known = context.state.get(GONE, subject)
    if known is not None and signal.occurred <= known:
        return False
    context.state.put(GONE, subject, signal.occurred)
    return True


def is_of_gone_shop(subject: str, dossier: Dossier, context: Context) -> bool:
    """The shop has told nothing of this subject since it removed the app."""
    gone = context.state.get(GONE, subjects.shop_wide(subjects.shop_of(subject)))
    return gone is not None and (dossier.heard is None or dossier.heard <= gone)


def sieve_of(subject: str, dossier: Dossier, context: Context) -> Sieve:
    return _ends_only if is_of_gone_shop(subject, dossier, context) else _everything


def _everything(_: Rule, verdicts: Iterable[Verdict]) -> Iterable[Verdict]:
    return verdicts


def _ends_only(rule: Rule, verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """What it still delivers of the time before is told nobody; it may end what was."""
    for verdict in verdicts:
        if rule.name in _GO_ON or isinstance(verdict, Clear):
            yield verdict


def ended_with_app(rules: Iterable[Rule], judgement: Judgement) -> Iterator[tuple[Rule, Sequence[str]]]:
    """The rules about our own work in the shop, and the keys of what is open of them."""
    for rule in rules:
        if rule.name in _OF_OUR_WORK:
            yield rule, [key for of, key in map(split_name, judgement.open) if of == rule.name]


def forgotten(subject: str, context: Context) -> Iterator[Outcome]:
    """Whatever is waited for or asked about the subject is not any more."""
    waits = Waits(context, subjects.shop_of(subject), subject)
    for name, _ in context.state.scan(TRACK, subject):
        if split_name(name.decode())[0] not in _GO_ON:
            yield from waits.forgotten(name.decode())
