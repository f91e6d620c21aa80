"""Use case 5: orders and drafts that somebody must approve before they are shipped, or sent as an invoice.

One request for each policy that matches (`stages.rules.policies`), remembered with its episode (`schemas.approvals`);
those about one order go into one message. It is asked again when more is asked for (`stages.rules.requests`). It is
withdrawn with the order, with the match, with the policy, and once the order is old history. What goes out while nobody
has approved it is critical, and stays open: nobody has decided. A draft is asked about once it has been quiet for a
while and Shopify says that it is still as it was told; what has gone out of it waits for nothing.

Not yet: no decision can be given, so nothing is approved ever, nothing is held, and nothing happens at a deadline.
Orders that were made of an approved draft are asked about like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from schemas.alerts import AlertState
from schemas.configuration import Approval
from schemas.questions import QuestionKind
from stages.conditions.table import seen_by
from stages.rules.approval_words import said_of
from stages.rules.asked_again import asked_again, asked_no_more, silent_since
from stages.rules.matters import Matter, Out, matter_of
from stages.rules.policies import Match, match
from stages.rules.requests import request_of
from stages.rules.rule import Case, Clear, Due, Fire, Verdict

_FIRST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ApprovalRequired:
    name: str = "approval-required"
    use_case: int = 5
    watches: frozenset[str] = frozenset({"order", "draft"})

    def judge(self, case: Case) -> Iterator[Verdict]:
        matter, policies = matter_of(case), case.configuration.approvals
        if matter is None:
            return
        for policy in policies:
            found = match(policy, case, matter, seen_by(self, case.kind))
            if matter.over or found.matches is False:
                yield _withdrawn(policy.name, matter.over or _no_match(case, policy, found))
            elif found.matches or matter.is_told:
                yield _asked(case, policy, matter, found)
        for name in sorted(case.open - {policy.name for policy in policies}):
            yield _withdrawn(name, "the policy is not in the configuration any more")
        if "draft" in case.dossier.incomplete:
            yield from _looked_at_again(case, matter)


def _asked(case: Case, policy: Approval, matter: Matter, found: Match) -> Fire | Due:
    """More of it gone out is worse, whatever its severity has been for other reasons."""
    request = request_of(policy, case, matter)
    said, level = said_of(case, policy, matter, request, found), request.revision * len(Out) + matter.out
    if matter.quiet is None or matter.out is not Out.NOTHING:
        return Fire(said, policy.name, level)
    quiet_until = matter.quiet + case.configuration.rules.approvals.draft_quiet_for
    return Due(said, quiet_until, policy.name, level, ask=QuestionKind.DRAFT)


def _looked_at_again(case: Case, matter: Matter) -> Iterator[Verdict]:
    """A draft that was asked about while Shopify was silent: it may have been changed since it was told."""
    answer = case.dossier.facts.get("draft/answer")
    silent = silent_since(case.dossier, ("draft",), answer.stamp if answer else None)
    if not case.open or silent is None or matter.quiet is None or matter.out is not Out.NOTHING:
        yield asked_no_more("what Shopify says of it is known, or makes no difference")
    else:
        yield from asked_again(matter.quiet, _FIRST, silent, QuestionKind.DRAFT)


def _withdrawn(policy: str, because: str) -> Clear:
    return Clear(because, policy, state=AlertState.WITHDRAWN)


def _no_match(case: Case, policy: Approval, found: Match) -> str:
    request = case.requests.get(policy.name)
    if request is None:
        return f"it does not match the policy: {found.otherwise}"
    was = "" if request.amount is None else f" (asked about: {request.amount})"
    return f"it does not match the policy any more: {found.otherwise}{was}"
