"""Who may speak to us: Shopify by its signature, jobs and callbacks by a secret. Comparisons take constant time."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.settings import Secrets
from schemas import subjects
from schemas.configuration import Configuration, Secret
from stages.bodies.operations import BULK


@dataclass(frozen=True, slots=True)
class ShopCredentials:
    """`secrets`: every client secret that Shopify may sign with now, during a rotation two."""

    secrets: tuple[bytes, ...] = field(repr=False)
    job_token: str | None = field(default=None, repr=False)
    signal_token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Credentials:
    """Of all configured shops, by domain. `callback_secret` is a part of the address that OpenText calls. `awaited`:
    the subjects of the jobs that may speak and are to, regularly.

    Each request looks at them once, so what is taken over while the receiver runs counts from the next request on.
    """

    shops: Mapping[str, ShopCredentials]
    callback_secret: str | None = field(default=None, repr=False)
    awaited: tuple[str, ...] = ()

    def take_over(self, newer: Credentials) -> None:
        """All at the same moment."""
        self.shops, self.callback_secret, self.awaited = newer.shops, newer.callback_secret, newer.awaited

    def every_secret(self) -> frozenset[bytes]:
        """Shops of one app share theirs: it is there once."""
        return frozenset(secret for shop in self.shops.values() for secret in shop.secrets)


def credentials_of(configuration: Configuration, secrets: Secrets) -> Credentials:
    """Raises ConfigurationError where a secret is not there."""

    def optional(secret: Secret | None) -> str | None:
        return None if secret is None else secrets.value(secret)

    shops = {
        shop.domain: ShopCredentials(
            tuple(secrets.value(secret).encode() for secret in shop.secrets),
            optional(shop.job_token),
            optional(shop.signal_token),
        )
        for shop in configuration.shops
    }
    return Credentials(shops, optional(configuration.opentext.callback_secret), tuple(_awaited(configuration)))


def _awaited(configuration: Configuration) -> Iterator[str]:
    """Not Shopify's own bulk operations, which report nothing, nor what has no token to report with."""
    for job in configuration.rules.operations.jobs:
        home = configuration.home_of(job)
        if job.every is not None and job.name != BULK and home is not None and home.job_token is not None:
            yield subjects.job(home.domain, job.name)


def is_signed(body: bytes, signature: str, secrets: Collection[bytes]) -> bool:
    """As Shopify signs: base64 of HMAC-SHA256 over the raw body. How long it takes does not tell by which secret."""
    try:
        given = b64decode(signature, validate=True)
    except (NotBase64, ValueError):
        return False
    fits = [hmac.compare_digest(hmac.digest(secret, body, "sha256"), given) for secret in secrets]
    return any(fits)


def is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def is_bearer(authorization: str, token: str) -> bool:
    """`authorization` is the header's value; the scheme's case does not matter (RFC 9110)."""
    scheme, _, given = authorization.strip().partition(" ")
    return scheme.lower() == "bearer" and is_same(given.strip(), token)
