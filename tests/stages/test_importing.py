"""Stock by the thousands: an import of one item, of many, and an item of which there are thousands of orders."""

from __future__ import annotations

from datetime import timedelta

from tests.stages.importing import Import, reading, sale

ITEM = 77
HOUR = timedelta(hours=1)


def test_an_import_that_counts_one_item_over_and_over_tells_what_crosses_and_remembers_no_more_of_it() -> None:
    short, long = Import(), Import()
    for one, updates in ((short, 120), (long, 600)):
        one.play(reading(ITEM, 40 if number < updates // 2 else 6, number) for number in range(updates))

    (told,) = long.sent
    assert [alert.rule for alert in told.alerts] == ["inventory-low"]
    assert long.largest("classify") <= short.largest("classify") * 1.1
    assert len(long.memories["classify"]) == len(short.memories["classify"])


def test_an_import_of_many_items_is_a_digest_where_these_are_new_and_an_alert_for_each_that_crosses() -> None:
    imported, items = Import(), range(1, 121)
    imported.play(reading(number, 5 if number % 2 else 30, 0) for number in items)
    assert imported.sent == []

    imported.passes(HOUR)
    (digest,) = imported.sent
    assert len(digest.alerts) + digest.more == len(items) // 2

    imported.play(reading(number, 0, 7200) for number in items)
    alerts = imported.sent[1:]
    assert len(alerts) == len(items)
    rules = [[alert.rule for alert in one.alerts] for one in alerts]
    assert rules.count(["inventory-out", "inventory-low"]) == rules.count(["inventory-out"]) == len(items) // 2


def test_an_item_of_thousands_of_orders_is_remembered_by_the_hour() -> None:
    few, many = Import(), Import()
    for one, orders in ((few, 250), (many, 800)):
        one.play(sale(ITEM, number, number * 300) for number in range(orders))

    assert many.largest("classify") < few.largest("classify") * 1.5
