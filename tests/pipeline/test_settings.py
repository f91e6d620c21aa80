"""A configuration is taken whole, or refused with everything that is wrong in it: where, and what would be right."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.settings import ConfigurationError, Secrets, hash_of, load, parse, read_back, said_by
from schemas.configuration import Secret
from schemas.notifications import Channel

DEPLOY = Path(__file__).parents[2] / "deploy"
LEAST = """\
shops:
  - domain: example.myshopify.com
    secrets: [{env: SHOPIFY_CLIENT_SECRET}]
teams:
  - name: operations
    people: [{name: desk, email: desk@example.com}]
opentext:
  base_url: https://opentext.example.com/mra/v1
  basic: {user: demo, password: {env: OPENTEXT_PASSWORD}}
"""
RULES = ("order-high-risk", "low-stock")


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, RULES)
    return [str(mistake) for mistake in caught.value.mistakes]


def with_rules(line: str) -> str:
    return LEAST + "rules:\n  " + line + "\n"


def test_one_shop_one_team_and_an_account_are_a_whole_file() -> None:
    read = parse(LEAST, RULES)
    assert read.rules.payments.abandoned_after == timedelta(minutes=60)
    assert read.routes.teams == ()
    assert read.kafka.partitions == 12
    assert Channel.EMAIL in next(iter(read.teams[0].channels.values()))


@pytest.mark.parametrize("name", ["pipeline.example.yaml", "pipeline.compose.yaml"])
def test_what_we_ship_has_no_mistake(name: str) -> None:
    assert load(DEPLOY / name).shops


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "payments: {abandond_after: 60m}",
            "rules.payments.abandond_after (line 11): unknown key; did you mean `abandoned_after`?",
        ),
        ("payments: 60m", "rules.payments (line 11): keys and values are wanted here"),
        ("payments: {abandoned_after: 60}", "`60`: a time needs its unit: 90s, 60m, 1h30m, 2d, or ISO 8601 like PT60M"),
        ("payments: {abandoned_after: PT}", "`PT` is no length of time"),
        ("payments: {abandoned_after: [60m]}", "rules.payments.abandoned_after (line 11): one value is wanted here"),
        ("inventory: {below: ten}", "rules.inventory.below (line 11): `ten` is no number"),
        ("inventory: {below: 12.10}", "rules.inventory.below (line 11): `12.10` must be a whole number"),
        ("orders: {high_risk: NO}", "rules.orders.high_risk (line 11): `NO` is neither true nor false"),
        ("payments: {velocity_declines: 0}", "rules.payments.velocity_declines (line 11): 0 must be at least 1"),
        ("off: [low-stok]", "rules.off[0] (line 11): no rule `low-stok`; did you mean `low-stock`?"),
        ("off: low-stock", "rules.off (line 11): a list is wanted here: [low-stock]"),
        ("off: [low-stock], off: []", "no YAML"),
        ("? [a]\n  : b", "rules (line 11): a key must be one word"),
    ],
)
def test_a_mistake_names_its_path_its_line_and_what_would_be_right(line: str, expected: str) -> None:
    (mistake,) = mistakes(with_rules(line))
    assert expected in mistake


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("email: desk@example.com", "email: desk@@example", "teams[0].people[0].email (line 6): is no mail address"),
        ("email: desk@example.com", 'phone: "12345"', "teams[0].people[0].phone (line 6): is no number in E.164"),
        ("email: desk@example.com", "phone: 0049151123", "teams[0].people[0].phone (line 6): is no number in E.164"),
        ("example.myshopify.com", "example.com", "shops[0].domain (line 2): `example.com` is not a shop's permanent"),
        ("name: operations", "name: operations\n    language: 99", "teams[0].language (line 6): `99` is no language"),
        ("name: operations", "name: Operations", "teams[0].name (line 5): `Operations` is not a name"),
        ("    people:", "    poeple:", "teams[0].poeple (line 6): unknown key; did you mean `people`?"),
        ("    people:", "    poeple:", "teams[0].people (line 5): is missing: a list"),
        ("  base_url", "  basic: {}\n  base_url", "opentext.basic (line 10): stands here twice"),
        ("https://", "http://", "opentext.base_url (line 8): must be https"),
        ("  basic:", "  oauth2: {}\n  basic:", "opentext.oauth2.token_url (line 9): is missing"),
        (
            "opentext:\n",
            "opentext:\n  timeout: soon\n",
            "opentext.timeout (line 8): `soon`: a time is whole numbers, each with its unit",
        ),
    ],
)
def test_a_mistake_in_the_least_file_is_found(old: str, new: str, expected: str) -> None:
    assert [mistake for mistake in mistakes(LEAST.replace(old, new)) if expected in mistake]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("routes: {teams: [finance]}", "routes.teams[0] (line 10): no team `finance`; there is operations"),
        ("routes: {routes: [{teams: [x]}]}", "routes.routes[0].teams[0] (line 10): no team `x`"),
        ("routes: {shops: [exampel.myshopify.com]}", "did you mean `example.myshopify.com`?"),
        ("routes: {use_cases: [8]}", "routes.use_cases[0] (line 10): no use case 8; there are 1 to 7"),
        ("rules: {operations: {jobs: [{name: a, time_zone: Berlin}]}}", "`Berlin` is no time zone; did you mean"),
        ("privacy: {owner_team: nobody}", "privacy.owner_team (line 10): no team `nobody`; there is operations"),
        ("approvals: [{name: a, teams: [], tags: [x]}]", "approvals[0].teams (line 10): at least one team has to"),
        ("approvals: [{name: a, teams: [operations]}]", "approvals[0] (line 10): would match every order"),
        ("kafka: {security: SASL_SLL}", "kafka.security (line 10): `SASL_SLL` is not known; did you mean `SASL_SSL`?"),
        ("kafka: {security: SASL_SSL, mechanism: PLAIN, username: me}", "kafka (line 10): SASL_SSL needs"),
        ("kafka: {raw_retention_days: 31}", "kafka.raw_retention_days (line 10): 31 must be at most 30"),
        ("listen: {port: 70000}", "listen.port (line 10): 70000 must be at most 65535"),
        ("shopify: {timeout: 0s}", "shopify.timeout (line 10): in no time nobody answers"),
        ("rules: {premium: {segments: [VIPs]}}", "segments[0] (line 10): `VIPs` is not a customer segment's id"),
        ("rules: {premium: {companies: [all]}}", "companies[0] (line 10): `all` is not a company's id, like 98765, or"),
        ("rules: {premium: {spent_currency: EUR}}", "spent_currency (line 10): of which amount? set `spent_from`"),
        ("rules: {premium: {spent_from: 1000, spent_currency: euro}}", "`euro` is not a currency, like EUR"),
        ("shop: []", "shop (line 10): unknown key; did you mean `shops`?"),
    ],
)
def test_names_that_dangle_and_words_that_nobody_knows_are_mistakes(more: str, expected: str) -> None:
    (mistake,) = mistakes(LEAST + more + "\n")
    assert expected in mistake


def test_all_mistakes_are_said_at_once_and_in_the_order_of_the_file() -> None:
    text = LEAST.replace("desk@example.com", "desk@") + (
        "routes: {teams: [finance]}\nrules:\n  payments: {abandoned_after: 60}\n  inventory: {belov: 1}\nlisten: 8080\n"
    )
    found = mistakes(text)
    assert [mistake.split(" ")[0] for mistake in found] == [
        "teams[0].people[0].email",
        "routes.teams[0]",
        "rules.payments.abandoned_after",
        "rules.inventory.belov",
        "listen",
    ]


def test_what_follows_from_an_unreadable_part_is_not_said() -> None:
    found = mistakes(LEAST.replace("basic: {user: demo,", "basic: {user: [demo],"))
    assert [mistake.split(" ")[0] for mistake in found] == ["opentext.basic.user"]


def test_scalars_are_read_by_the_wanted_type_not_by_their_looks() -> None:
    text = (
        LEAST
        + "rules:\n  inventory:\n    thresholds: [{sku: 0049, below: 5}, {sku: NO, below: 5}, {sku: 1e3, below: 5}]\n"
    )
    text += "approvals: [{name: large, teams: [operations], total_from: 12.10, countries: [NO, DE]}]\n"
    read = parse(text)
    assert [threshold.sku for threshold in read.rules.inventory.thresholds] == ["0049", "NO", "1e3"]
    assert read.approvals[0].total_from == Decimal("12.10")
    assert read.approvals[0].countries == ("NO", "DE")


@pytest.mark.parametrize("spoken", ["90m", "1h30m", "PT90M", "PT1H30M", "5400s"])
def test_a_time_is_written_as_people_write_it(spoken: str) -> None:
    read = parse(with_rules(f"payments: {{abandoned_after: {spoken}}}"))
    assert read.rules.payments.abandoned_after == timedelta(minutes=90)


@pytest.mark.parametrize("spoken", ["-5m", "-PT5M", "P-5D", "", "m", "5 minutes", "9" * 40 + "d", "P" + "9" * 40 + "D"])
def test_a_time_that_is_none_is_a_mistake(spoken: str) -> None:
    assert (
        "rules.payments.abandoned_after (line 11)"
        in mistakes(with_rules(f"payments: {{abandoned_after: '{spoken}'}}"))[0]
    )


def test_aliases_are_refused_before_they_can_grow() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    found = mistakes(LEAST + "\n".join(lines))
    assert found[0] == "`*a0` refers to another place: write out what is meant (line 11)"
    grown = "routes: &r {routes: [*r, *r, *r, *r]}"
    assert "write out what is meant (line 10)" in mistakes(LEAST + grown)[0]


@pytest.mark.parametrize("depth", [100, 50_000])
@pytest.mark.parametrize("sort", ["[", "{a: "])
def test_a_document_deeper_than_any_configuration_is_refused(depth: int, sort: str) -> None:
    (mistake,) = mistakes(LEAST + "routes: " + sort * depth)
    assert mistake == "nested too deep; nothing here is deeper than 30 (line 10)"


@pytest.mark.parametrize("text", ["", "\n# only a comment\n", "---\n"])
def test_an_empty_file_is_said_to_be_empty(text: str) -> None:
    assert "empty" in mistakes(text)[0] or "keys and values are wanted" in mistakes(text)[0]


@pytest.mark.parametrize(
    "text", ["- a", "just words", "42", "a: [", "a: b: c", "\x07", "a: 1\n---\nb: 2\n", "!!python/object:os.x {}"]
)
def test_what_is_no_configuration_is_one_sentence_and_no_crash(text: str) -> None:
    assert all("\n" not in mistake for mistake in mistakes(text))


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#%@`,? \n\t0."), max_size=60))
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse(text)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + LEAST.encode())
    assert load(file) == parse(LEAST)


def test_a_file_that_is_not_utf_8_or_not_there_says_so(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_bytes(LEAST.encode() + b"# M\xfcnchen\n")
    with pytest.raises(ConfigurationError, match=r"\(line 10\): is not UTF-8"):
        load(file)
    with pytest.raises(ConfigurationError, match="No such file"):
        load(tmp_path / "nothing.yaml")


def test_the_hash_is_the_same_for_files_that_say_the_same_and_differs_otherwise() -> None:
    shops, rest = LEAST.split("teams:")
    turned = "teams:" + rest + shops + "# a comment\nlisten: {port: 8080}\n"
    assert hash_of(parse(turned)) == hash_of(parse(LEAST))
    assert hash_of(parse(with_rules("payments: {abandoned_after: 61m}"))) != hash_of(parse(LEAST))
    assert hash_of(parse(with_rules("payments: {abandoned_after: 61m}"))) == hash_of(
        parse(with_rules("payments: {abandoned_after: PT1H1M}"))
    )


@pytest.mark.parametrize("spoken", ["5000", "5000.00"])
def test_a_number_is_accepted_as_a_person_says_it(spoken: str) -> None:
    said = said_by(parse(with_rules(f"payments: {{abandoned_alert_from: {spoken}}}")))
    assert b"5000" in said
    assert b"5E+3" not in said


@pytest.mark.parametrize("session", ["0s", "900ms", "6m"])
def test_a_session_that_no_broker_takes_is_a_mistake(session: str) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.session"):
        parse(LEAST + f"kafka: {{session: {session}}}\n")


HIDDEN = "s3cr3t-hunter2"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{env: OPENTEXT_PASSWORD}", HIDDEN),
        ("{env: OPENTEXT_PASSWORD}", "{env: " + HIDDEN + "}"),
        ("{env: OPENTEXT_PASSWORD}", "{value: " + HIDDEN + "}"),
        ("{env: OPENTEXT_PASSWORD}", "[" + HIDDEN + "]"),
        ("[{env: SHOPIFY_CLIENT_SECRET}]", HIDDEN),
        ("[{env: SHOPIFY_CLIENT_SECRET}]", "[" + HIDDEN + "]"),
        ("https://", f"https://me:{HIDDEN}@"),
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_and_not_repeated(old: str, new: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(LEAST.replace(old, new))
    assert HIDDEN not in str(caught.value) + repr(caught.value)


def test_secrets_are_found_by_their_names_and_shown_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(HIDDEN + "\n")
    secrets = Secrets({"NAME": HIDDEN})
    assert secrets.value(Secret(env="NAME")) == secrets.value(Secret(file=str(file))) == HIDDEN
    assert HIDDEN not in repr(secrets) + str(secrets)


def test_every_secret_that_is_not_there_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    read = parse(LEAST.replace("{env: OPENTEXT_PASSWORD}", f"{{file: {tmp_path}/empty}}"))
    with pytest.raises(ConfigurationError) as caught:
        Secrets({}).require(read)
    assert [mistake.path for mistake in caught.value.mistakes] == ["shops[0].secrets[0]", "opentext.basic.password"]
    assert "SHOPIFY_CLIENT_SECRET is not set" in str(caught.value)
    assert "is empty" in str(caught.value)


@pytest.mark.parametrize("name", ["pipeline.example.yaml", "pipeline.compose.yaml"])
def test_what_a_configuration_says_can_be_read_back(name: str) -> None:
    configuration = load(DEPLOY / name)
    read = read_back(said_by(configuration))
    assert replace(read, listen=configuration.listen) == configuration
    assert hash_of(read) == hash_of(configuration)


def test_numbers_and_lists_of_any_kind_are_read_back_as_they_were() -> None:
    text = LEAST + (
        "rules:\n  premium: {spent_from: 0.5}\n  inventory: {margin: 0.25, thresholds: [{sku: 0049, below: 5}]}\n"
        "  returns: {evidence_before: [3d, 90m]}\n"
        "approvals: [{name: large, teams: [operations], total_from: 5000, countries: [NO]}]\n"
        "routes: {teams: [operations], routes: [{severities: [critical], use_cases: [1], routes: [{proceed: true}]}]}\n"
    )
    assert read_back(said_by(parse(text))) == parse(text)


def test_where_a_process_listens_changes_nothing_of_what_its_configuration_says() -> None:
    assert hash_of(parse(LEAST + "listen: {port: 1, host: 10.0.0.7}\n")) == hash_of(parse(LEAST))
    assert hash_of(parse(LEAST + "kafka: {raw_retention_days: 8}\n")) != hash_of(parse(LEAST))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"{", "truncated"),
        (b"\xff", "malformed"),
        (b"[" * 100_000, "expected `object`"),
        (b'{"shops": []}', "missing required field `teams`"),
        (said_by(parse(LEAST)).replace(b'"env"', b'"vault"'), "unknown field `vault`"),
        (said_by(parse(LEAST + "rules: {off: [low-stock]}")).replace(b"low-stock", b"no-stock"), "no rule `no-stock`"),
    ],
)
def test_what_this_build_would_not_accept_is_not_read_back(said: bytes, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=f"(?i){expected}"):
        read_back(said, RULES)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "when: {order-high-risk: 'order.totl > 5'}",
            "rules.when.order-high-risk (line 11): `order` has no `totl`; did you mean `total`?",
        ),
        ("when: {order-hi-risk: 'order.total > 5'}", "rules.when.order-hi-risk (line 11): no rule `order-hi-risk`"),
        ("when: {order-high-risk: ''}", "rules.when.order-high-risk (line 11): an expression is wanted here"),
        (
            "when: {order-high-risk: [a, b]}",
            "rules.when.order-high-risk (line 11): one value is wanted here, not a list",
        ),
        ("when: order.total > 5", "rules.when (line 11): keys and values are wanted here"),
        (
            "when:\n    order-high-risk: !order.ships",
            "rules.when.order-high-risk (line 12): `!order.ships` means something to YAML here: put the whole value in",
        ),
        (
            "when: {order-high-risk: 'order.total > 5', order-high-risk: 'order.total > 6'}",
            "rules.when.order-high-risk (line 11): stands here twice",
        ),
        ("when: {order-high-risk: 'order.total > '}", "rules.when.order-high-risk (line 11): is no CEL expression: "),
        (
            "inventory: {thresholds: [{sku: A}]}",
            "rules.inventory.thresholds[0].below (line 11): is missing",
        ),
        (
            "inventory: {thresholds: [{sku: A, below: few}]}",
            "rules.inventory.thresholds[0].below (line 11): `few` is no number",
        ),
        (
            "inventory: {thresholds: [{below: 5}]}",
            "rules.inventory.thresholds[0] (line 11): fits every item: set `rules.inventory.below` instead",
        ),
        (
            "inventory: {thresholds: [{tag: A, below: 5}, {vendor: B, below: 3}, {tag: a, below: 6}]}",
            "rules.inventory.thresholds[2] (line 11): fits the same as thresholds[0], which stands before it",
        ),
        (
            "inventory: {thresholds: [{location_group: store, below: 5}],"
            " location_groups: [{name: stores, locations: [A]}]}",
            "rules.inventory.thresholds[0].location_group (line 11): no group `store` in location_groups; did you mean",
        ),
        (
            "inventory: {thresholds: [{location: A, location_group: a, below: 5}],"
            " location_groups: [{name: a, locations: [A]}]}",
            "rules.inventory.thresholds[0] (line 11): names a `location` and a `location_group`",
        ),
        (
            "inventory: {location_groups: [{name: a, locations: []}]}",
            "rules.inventory.location_groups[0].locations (line 11): no location is in this group",
        ),
        (
            "inventory: {location_groups: [{name: a, locations: [A, a]}]}",
            "rules.inventory.location_groups[0].locations[1] (line 11): `a` stands twice",
        ),
        (
            "inventory: {location_groups: [{name: a, locations: [A]}, {name: a, locations: [B]}]}",
            "rules.inventory.location_groups[1].name (line 11): `a` stands twice",
        ),
    ],
)
def test_conditions_and_thresholds_have_errors_that_help(line: str, expected: str) -> None:
    found = mistakes(with_rules(line))
    assert found[0].startswith(expected), found
    assert len(found) == 1, found


def test_a_policys_condition_is_read_like_a_rules() -> None:
    policy = "approvals: [{name: large, teams: [operations], when: 'order.totl > 5'}]\n"
    assert mistakes(LEAST + policy) == ["approvals[0].when (line 10): `order` has no `totl`; did you mean `total`?"]


def test_conditions_are_a_part_of_what_a_configuration_says() -> None:
    text = with_rules("when: {order-high-risk: 'order.total > 5'}")
    assert read_back(said_by(parse(text))) == parse(text)
    assert hash_of(parse(text)) != hash_of(parse(LEAST))
    with pytest.raises(ConfigurationError, match="has no `totl`"):
        read_back(said_by(parse(text)).replace(b"total", b"totl"))


def test_the_readmes_conditions_have_no_mistake() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (example,) = (one for one in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "when:" in one)
    assert parse(LEAST + example.replace("[finance]", "[operations]")).rules.when
