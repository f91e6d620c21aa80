"""What an approver reads: what it is about, who is asked until when, what has happened already, what is not known."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.alerts import Audience, Detail, Severity
from schemas.approvals import Needed, Overdue, Request
from schemas.configuration import Approval
from schemas.facts.orders import Customer, Line
from stages.dossiers.goods import units_in, worth_of
from stages.judging.routing import default_teams
from stages.rules.matters import Matter, Out
from stages.rules.policies import Match, in_words
from stages.rules.rule import Case, Said, details
from stages.rules.words import bounded, levels, moment, plain, spell

_SHOWN_LINES = 5
_LOOK = "Look at it in the admin, and hold or cancel it there if it must not be shipped."
_LOOK_AT_DRAFT = "Look at the draft in the admin, and neither send its invoice nor complete it before it is approved."
#: What an approver must see, where the body does not carry its key.
_NEEDED = {"lines": "what is in it", "address": "its destination", "terms": "its payment terms"}
_RECALL = "Find out whether it can stand; what has gone out can only be stopped or called back by hand."


def said_of(case: Case, policy: Approval, matter: Matter, request: Request, found: Match) -> Said:
    return Said(
        title=_title(policy, matter, request),
        since=matter.since,
        severity=Severity.WARNING if matter.out is Out.NOTHING else Severity.CRITICAL,
        audiences=(Audience.APPROVERS,),
        details=(*_asked(case, policy, request), *_of_matter(case, matter, request), _only_a_notice(policy, matter)),
        next_step=_RECALL if matter.out is not Out.NOTHING else _LOOK_AT_DRAFT if matter.is_draft else _LOOK,
        link=matter.link,
        unknown=(*found.doubts, *_unknown(case, matter)),
        teams=tuple(each.team for each in request.asked),
        untold=found.untold,
        request=request,
    )


def _title(policy: Approval, matter: Matter, request: Request) -> str:
    amount = str(matter.total or "amount unknown")
    if matter.out is not Out.NOTHING:
        return f"{matter.called} went out unapproved ({matter.happened[0]}): {amount} ({policy.name})"
    if request.revision == 1:
        return f"{matter.called} needs approval: {amount} ({policy.name})"
    was = f", was {request.was or 'unknown'}" if request.was != request.amount else ""
    if request.was_discount is not None:
        was += f"; {request.discount} % off, was {request.was_discount} %"
    return f"{matter.called} needs approval again: {amount}{was} ({policy.name})"


# --- who is asked -----------------------------------------------------------------------------------------------------


def _asked(case: Case, policy: Approval, request: Request) -> Iterator[Detail]:
    yield Detail("Policy", in_words(policy))
    yield Detail("Approval by", _teams(request))
    yield Detail("Until", "; ".join(f"{moment(each.due)} ({each.team})" for each in request.asked))
    yield Detail("If nobody decides", _overdue(case, policy))


def _teams(request: Request) -> str:
    if request.needed is Needed.IN_ORDER:
        return f"{', then '.join(request.teams)}: each once the one before has approved"
    if len(request.teams) == 1:
        return request.teams[0]
    return (
        f"any of {', '.join(request.teams)}" if request.needed is Needed.ANY else f"all of {', '.join(request.teams)}"
    )


def _overdue(case: Case, policy: Approval) -> str:
    if policy.then is Overdue.REJECT:
        return "it counts as rejected"
    return f"it goes on to {', '.join(policy.next_level or default_teams(case.configuration))}"


def _only_a_notice(policy: Approval, matter: Matter) -> Detail:
    """Honest until there are holds, decisions and deadlines."""
    held = "a draft cannot be held" if matter.is_draft else "nothing is held yet"
    if policy.hold and not matter.is_draft:
        held += ", though the policy asks for it; a hold would stop shipping, not a capture"
    return Detail(
        "Only a notice", f"{held}; no link decides yet, and nothing happens by itself after {spell(policy.within)}"
    )


# --- what it is about -------------------------------------------------------------------------------------------------


def _of_matter(case: Case, matter: Matter, request: Request) -> tuple[Detail, ...]:
    return details(
        already_happened=", ".join(matter.happened),
        total=_total(matter),
        asked_about=request.amount if request.amount != matter.total else None,
        discount=_discount(matter),
        lines=_lines(matter),
        destination=matter.country,
        company=matter.company_id,
        payment_terms=matter.terms.name if matter.terms else None,
        payment=(matter.payment or "").replace("_", " "),
        risk=_risk(case),
        orders_of_this_customer=_orders(case, matter),
        tags=", ".join(bounded(tag) for tag in matter.tags),
        made_as_a_draft=_made_as_a_draft(case),
    )


def _total(matter: Matter) -> str | None:
    """In the shop's currency, and in the one that the customer saw."""
    if matter.total is None:
        return None
    other = matter.presented
    if other is None or other.currency == matter.total.currency:
        return str(matter.total)
    return f"{matter.total} ({other} for the customer)"


def _discount(matter: Matter) -> str | None:
    """With its share of what the order would have come to."""
    if matter.discounts is None or matter.discounts.amount <= 0:
        return None
    return f"{matter.discounts} ({matter.percent} %)" if matter.percent else str(matter.discounts)


def _lines(matter: Matter) -> str:
    """Those that are worth most."""
    lines = matter.goods.dearest if matter.goods else matter.standing
    shown = sorted(lines, key=worth_of, reverse=True)[:_SHOWN_LINES]
    more = (matter.goods.lines if matter.goods else len(lines)) - len(shown)
    is_whole = matter.is_whole or matter.goods is not None
    rest = [f"and {'' if is_whole else 'at least '}{more} more"] if more > 0 else []
    return ", ".join([*map(_line, shown), *rest])


def _line(line: Line) -> str:
    name = bounded(line.title or line.sku or str(line.id), 40)
    sku = f" ({bounded(line.sku, 24)})" if line.sku and line.title else ""
    return f"{units_in(line)} x {name}{sku}{'' if line.price is None else f' at {line.price}'}"


def _risk(case: Case) -> str:
    said = levels(case)
    advice = case.dossier.recommendation
    if advice is not None and advice.value not in (None, "none"):
        said.append(f"Shopify recommends to {plain(advice.value)}")
    return ", ".join(said)


def _orders(case: Case, matter: Matter) -> str | None:
    customer = _customer(case)
    if customer is not None and customer.orders is not None:
        return f"{customer.orders}{_first(customer.orders, matter)}"
    if customer is not None or matter.customer_id is not None or "customer_id" in matter.absent:
        return None
    return "unknown, it names no customer" if matter.is_draft else "unknown, it was ordered as a guest"


def _first(orders: int, matter: Matter) -> str:
    """A draft is no order yet, and does not count."""
    if matter.is_draft:
        return " (this would be the first)" if orders == 0 else ""
    return " (this is the first)" if orders <= 1 else ""


def _customer(case: Case) -> Customer | None:
    return case.dossier.customer.value if case.dossier.customer else None


def _made_as_a_draft(case: Case) -> str | None:
    """Which one it was is known once the draft has told of its order. That it was approved nobody can say yet."""
    order, draft = case.dossier.order, case.dossier.draft
    is_made = order is not None and (order.source_name == "shopify_draft_order" or draft is not None)
    if not is_made:
        return None
    which = f"{bounded(draft.name or str(draft.id))}, {draft.total or 'amount unknown'}; " if draft else ""
    return f"{which}whether the draft was approved is not known here"


def _unknown(case: Case, matter: Matter) -> tuple[str, ...]:
    looked_up = case.unknown(
        customer="how many orders this customer has placed",
        company="for which company it is",
        risk="how risky the order is",
    )
    return (*looked_up, *(words for name, words in _NEEDED.items() if name in matter.absent))
