"""What the types of a configuration cannot say: names that must exist, be unique, or fit together across the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import phonenumbers
from babel import Locale, UnknownLocaleError
from msgspec import Struct

from pipeline.approval_mistakes import in_approvals
from pipeline.calendar_mistakes import in_calendars, time_zone
from pipeline.document import Mistake
from pipeline.limit_mistakes import in_limits
from pipeline.route_mistakes import in_stock_routes
from pipeline.rule_mistakes import in_conditions, in_thresholds
from pipeline.scalars import near
from schemas.configuration import Configuration, Person, Route, Secret, Shop, Team
from schemas.notifications import Channel
from stages.channels.table import RESOURCES

_USE_CASES = range(1, 8)
_MATCHERS = tuple(name for name in Route.__struct_fields__ if name not in ("teams", "proceed", "routes"))
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_SHORTEST_SESSION, _LONGEST_SESSION = timedelta(seconds=1), timedelta(minutes=5)
_SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


def mistakes_in(configuration: Configuration, rules: Collection[str]) -> list[Mistake]:
    """`rules` are the names of the rules that there are; with none given, names of rules are not checked."""
    checks: Sequence[Callable[[Configuration], Iterable[Mistake]]] = (
        _shops,
        _teams,
        in_calendars,
        _references,
        in_approvals,
        lambda whole: _routes(whole.routes, "routes", whole, rules),
        in_stock_routes,
        lambda whole: _unknown_rules(whole.rules.off, "rules.off", rules),
        lambda whole: in_conditions(whole, rules),
        in_thresholds,
        in_limits,
        lambda whole: _secrets(whole, ""),
        _opentext,
        _timeouts,
        _kafka,
    )
    return [mistake for check in checks for mistake in check(configuration)]


def needing_a_restart(running: Configuration, wanted: Configuration) -> list[Mistake]:
    """What a process takes from its file at its start only."""
    return [
        Mistake(name, "has changed: that needs a restart")
        for name in ("kafka", "listen")
        if getattr(running, name) != getattr(wanted, name)
    ]


def _shops(whole: Configuration) -> Iterator[Mistake]:
    if not whole.shops:
        yield Mistake("shops", "at least one shop is needed")
    yield from _twice([shop.domain for shop in whole.shops], "shops[{}].domain")
    for number, shop in enumerate(whole.shops):
        yield from _shop(shop, f"shops[{number}]")


def _shop(shop: Shop, path: str) -> Iterator[Mistake]:
    if not shop.secrets:
        yield Mistake(f"{path}.secrets", "at least the app's current client secret is needed")
    yield from time_zone(shop.time_zone, f"{path}.time_zone")
    if shop.admin is not None and shop.admin.url is not None:
        yield from _url(shop.admin.url, f"{path}.admin.url")


def _teams(whole: Configuration) -> Iterator[Mistake]:
    if not whole.teams:
        yield Mistake("teams", "at least one team is needed")
    yield from _twice([team.name for team in whole.teams], "teams[{}].name")
    for number, team in enumerate(whole.teams):
        path = f"teams[{number}]"
        yield from _twice([person.name for person in team.people], path + ".people[{}].name")
        for place, person in enumerate(team.people):
            yield from _person(person, f"{path}.people[{place}]")
        yield from _reachable(team, path)
        try:
            Locale.parse(team.language.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            yield Mistake(f"{path}.language", f"`{team.language}` is no language; right are for example en, de, pt-BR")


def _person(person: Person, path: str) -> Iterator[Mistake]:
    if person.email is not None:
        name, at, host = person.email.rpartition("@")
        if not (name and at and host) or "@" in name or not person.email.isprintable() or " " in person.email:
            yield Mistake(f"{path}.email", "is no mail address; right is name@example.com")
    if person.phone is not None and not _is_e164(person.phone):
        yield Mistake(f"{path}.phone", "is no number in E.164; right is + and country code, like +4915112345678")


def _is_e164(phone: str) -> bool:
    """Form and length, as `phonenumbers` knows them for the country; not whether the number is given to anybody."""
    try:
        number = phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return False
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_possible_number(number) and written == phone


def _reachable(team: Team, path: str) -> Iterator[Mistake]:
    if not team.people:
        yield Mistake(f"{path}.people", "nobody is in this team")
        return
    if not team.channels:
        yield Mistake(
            f"{path}.channels", f"no severity is named; right is for example `info: [{next(iter(RESOURCES))}]`"
        )
    for severity, channels in team.channels.items():
        if not channels:
            yield Mistake(f"{path}.channels.{severity.value}", f"no channel; there is {', '.join(RESOURCES)}")
        for channel in channels:
            if channel not in RESOURCES:
                says = f"`{channel.value}` cannot be sent yet; there is {', '.join(RESOURCES)}"
                yield Mistake(f"{path}.channels.{severity.value}", says)
                continue
            wanted = "email" if channel is Channel.EMAIL else "phone"
            if all(getattr(person, wanted) is None for person in team.people):
                says = (
                    f"nobody in `{team.name}` can be reached by {channel.value}: give a person a{_n(wanted)} {wanted}"
                )
                yield Mistake(f"{path}.channels.{severity.value}", says)


def _n(word: str) -> str:
    return "n" if word[0] in "aeiou" else ""


def _references(whole: Configuration) -> Iterator[Mistake]:
    jobs = whole.rules.operations.jobs
    for shop in dict.fromkeys(job.shop for job in jobs):
        names = [job.name if job.shop == shop else "" for job in jobs]
        yield from _twice(names, "rules.operations.jobs[{}].name")
    for number, job in enumerate(whole.rules.operations.jobs):
        if job.time_zone is not None:
            yield from time_zone(job.time_zone, f"rules.operations.jobs[{number}].time_zone")
        if job.shop is not None:
            yield from _unknown_shop(job.shop, f"rules.operations.jobs[{number}].shop", whole)
    if (owner := whole.privacy.owner_team) is not None and whole.team(owner) is None:
        yield Mistake("privacy.owner_team", _no_team(owner, whole))


def _routes(route: Route, path: str, whole: Configuration, rules: Collection[str]) -> Iterator[Mistake]:
    yield from _unknown_teams(route.teams, f"{path}.teams", whole)
    yield from _unknown_rules(route.rules, f"{path}.rules", rules)
    for number, domain in enumerate(route.shops):
        yield from _unknown_shop(domain, f"{path}.shops[{number}]", whole)
    for number, use_case in enumerate(route.use_cases):
        if use_case not in _USE_CASES:
            yield Mistake(f"{path}.use_cases[{number}]", f"no use case {use_case}; there are 1 to 7")
    yield from _never_asked(route, path)
    for number, child in enumerate(route.routes):
        yield from _routes(child, f"{path}.routes[{number}]", whole, rules)


def _unknown_shop(domain: str, path: str, whole: Configuration) -> Iterator[Mistake]:
    if whole.shop(domain) is None:
        yield Mistake(path, f"no shop `{domain}`; {near(domain, [shop.domain for shop in whole.shops])}")


def _never_asked(route: Route, path: str) -> Iterator[Mistake]:
    """What stands behind a child that takes everything."""
    for number, child in enumerate(route.routes[:-1]):
        if not child.proceed and not any(getattr(child, name) for name in _MATCHERS):
            says = "takes all there is, so that nothing behind it is asked: put it last, or set `proceed: true`"
            yield Mistake(f"{path}.routes[{number}]", says)


def _unknown_teams(names: Sequence[str], path: str, whole: Configuration) -> Iterator[Mistake]:
    for number, name in enumerate(names):
        if whole.team(name) is None:
            yield Mistake(f"{path}[{number}]", _no_team(name, whole))


def _no_team(name: str, whole: Configuration) -> str:
    """Always with the whole list: it is short, and the near name may be the wrong one."""
    return f"no team `{name}`; there is {', '.join(team.name for team in whole.teams)}"


def _unknown_rules(names: Sequence[str], path: str, rules: Collection[str]) -> Iterator[Mistake]:
    for number, name in enumerate(names):
        if rules and name not in rules:
            yield Mistake(f"{path}[{number}]", f"no rule `{name}`; {near(name, rules)}")


def _secrets(value: object, path: str) -> Iterator[Mistake]:
    for place, secret in secrets_of(value, path):
        if (secret.env is None) == (secret.file is None):
            yield Mistake(place, "a secret names exactly one of `env` (a variable) and `file`")
        elif secret.env is not None and not _VARIABLE.fullmatch(secret.env):
            says = "is no variable's name, like OPENTEXT_PASSWORD; the secret itself must not stand here"
            yield Mistake(f"{place}.env", says)


def secrets_of(value: object, path: str = "") -> Iterator[tuple[str, Secret]]:
    """Every secret that a configuration names, with its path."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from secrets_of(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from secrets_of(inner, f"{path}[{number}]")


def _opentext(whole: Configuration) -> Iterator[Mistake]:
    opentext = whole.opentext
    if (opentext.basic is None) == (opentext.oauth2 is None):
        yield Mistake("opentext", "exactly one of `basic` and `oauth2` says how we authenticate")
    found = [*_url(opentext.base_url, "opentext.base_url")]
    if not found and not urlsplit(opentext.base_url).path.strip("/"):
        found = [Mistake("opentext.base_url", "is a host only; right is https://HOST/mra/v1")]
    yield from found
    if opentext.oauth2 is not None:
        yield from _url(opentext.oauth2.token_url, "opentext.oauth2.token_url")


def _timeouts(whole: Configuration) -> Iterator[Mistake]:
    for path, timeout in (("opentext.timeout", whole.opentext.timeout), ("shopify.timeout", whole.shopify.timeout)):
        if not timeout:
            yield Mistake(path, "in no time nobody answers; right is for example 10s")


def _url(url: str, path: str) -> Iterator[Mistake]:
    """https, but for hosts that no public name server knows: this machine, or a bare name in a private network."""
    try:
        parts = urlsplit(url)
        host, scheme, userinfo = parts.hostname, parts.scheme, parts.username
    except ValueError:
        host, scheme, userinfo = None, "", None
    if not host or scheme not in ("http", "https"):
        yield Mistake(path, "is no address; right is https://host/path")
    elif userinfo is not None:
        yield Mistake(path, "no user or password may stand in an address")
    elif scheme == "http" and not _is_near(host):
        yield Mistake(path, f"must be https: {host} is not this machine")


def _is_near(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host


def _kafka(whole: Configuration) -> Iterator[Mistake]:
    kafka = whole.kafka
    if not _SHORTEST_SESSION <= kafka.session <= _LONGEST_SESSION:
        yield Mistake("kafka.session", "a session lasts from 1 second to 5 minutes (brokers take 6 seconds and more)")
    if kafka.security not in _SECURITY:
        yield Mistake("kafka.security", f"`{kafka.security}` is not known; {near(kafka.security, _SECURITY)}")
    elif kafka.security.startswith("SASL") and None in (kafka.mechanism, kafka.username, kafka.password):
        yield Mistake("kafka", f"{kafka.security} needs `mechanism`, `username` and `password`")


def _twice(names: Sequence[str], path: str) -> Iterator[Mistake]:
    counted = Counter(names)
    for number, name in enumerate(names):
        if name and counted[name] > 1 and names.index(name) != number:
            yield Mistake(path.format(number), f"`{name}` stands twice")
