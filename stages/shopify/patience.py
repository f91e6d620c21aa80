"""How long `enrich` waits for what Shopify has not told yet, and how soon it asks again. All by wall time.

A refused token, a shop that is shut and a missing scope are not worth any waiting; a replica that lags is worth three
seconds; a shop that is silent, slow or throttled is worth the configured patience.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from schemas.reasons import RetryReason
from stages.shopify.answers import Denied, Missing, Refused, Shut, Throttled, Unavailable
from stages.shopify.lookup import Reply, Stale
from stages.stage import Context, Retry

LONGEST_RETRY = timedelta(minutes=5)
_FIRST_RETRY = timedelta(seconds=1)
_STALE_FOR = timedelta(seconds=3)


def waited(context: Context) -> timedelta:
    """Since this record was parked for the first time."""
    return timedelta(0) if context.parked_since is None else context.wall - context.parked_since


def grown(so_far: timedelta) -> timedelta:
    """Each wait about as long as all before it together."""
    return max(_FIRST_RETRY, min(so_far, LONGEST_RETRY))


def wait_for(missing: Iterable[Reply | None], so_far: timedelta, longest: timedelta) -> None:
    """Raises Retry while any of them is worth waiting for; None took longer than a second."""
    for reply in missing:
        reason, patience = _patience(reply, longest)
        if so_far < patience:
            pause = min(patience - so_far, _STALE_FOR / 3 if patience == _STALE_FOR else patience)
            raise Retry(reason, min(grown(so_far), pause))


def _patience(reply: Reply | None, longest: timedelta) -> tuple[RetryReason, timedelta]:
    match reply:
        case Stale() | Missing():
            return RetryReason.SHOPIFY_STALE, _STALE_FOR
        case Refused() | Shut() | Denied():
            return RetryReason.SHOPIFY_TOKEN_REFUSED, timedelta(0)
        case Throttled():
            return RetryReason.SHOPIFY_THROTTLED, longest
        case Unavailable():
            return RetryReason.SHOPIFY_UNAVAILABLE, longest
        case _:
            return RetryReason.SLOW, longest
