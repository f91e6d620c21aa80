"""The oracle: what every topic must hold, worked out from the raw topics, Shopify's truth and the journal.

`judge` is the whole, `judge_positions` what can be said without any stage, for long runs. Both read what is committed
at this moment; whoever wants an answer for all of a run lets it come to rest before. Not judged: sweeps that end too
early, what `enrich` could have known sooner, and anything that OpenText did after it had taken a job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from pipeline.app import TOPOLOGY
from pipeline.clients import card_key
from pipeline.settings import Secrets, hash_of, load, read_back
from schemas import topics
from schemas.configuration import Configuration
from schemas.editions import ConfigurationAccepted
from stages.classify import Classify
from stages.group import Group
from stages.rules.table import NAMES
from stages.stage import Stage
from tests.chaos.evidence import Evidence
from tests.chaos.oracle import enriching, identities, journals, marks, receiving, recomputing, sending
from tests.chaos.oracle.enriching import Enriching
from tests.chaos.oracle.findings import Promise, Sheet, Verdict
from tests.chaos.oracle.log import Log
from tests.chaos.oracle.reading import read
from tests.chaos.oracle.recomputing import Journaled

INPUTS: Mapping[str, Sequence[str]] = {row.name: row.inputs for row in TOPOLOGY}
_MAKES: Mapping[str, Callable[[Configuration, str | None], Stage]] = {
    "classify": Classify,
    "group": lambda configuration, _: Group(configuration),
}


async def judge(evidence: Evidence) -> Verdict:
    """Everything. Raises TimeoutError where the Kafka of the run does not answer."""
    log = await read(evidence.bootstrap, evidence.prefix, evidence.partitions)
    return await judged(log, evidence)


async def judge_positions(evidence: Evidence) -> Verdict:
    """Ids, places, order, ends, positions and the chain of the journal: no stage is run, and nothing is looked up."""
    log = await read(evidence.bootstrap, evidence.prefix, evidence.partitions)
    return positions_judged(log, evidence)


async def judged(log: Log, evidence: Evidence) -> Verdict:
    sheet = Sheet()
    configuration = load(evidence.configuration)
    _check_positions(sheet, log, evidence)
    keyed = card_key(configuration, Secrets(evidence.secrets))
    await enriching.check(sheet, log, Enriching(configuration, evidence.truth, keyed))
    recomputing.check_deduplicate(sheet, log)
    known = configurations(log, configuration)
    for stage in topics.JOURNALED:
        recomputing.check_journaled(sheet, log, journaled(sheet, stage, known))
    return sheet.verdict()


def positions_judged(log: Log, evidence: Evidence) -> Verdict:
    sheet = Sheet()
    _check_positions(sheet, log, evidence)
    for stage in topics.JOURNALED:
        for number in range(log.partitions):
            journals.walk(sheet, log, stage, number, INPUTS[stage])
    return sheet.verdict()


def _check_positions(sheet: Sheet, log: Log, evidence: Evidence) -> None:
    receiving.check(sheet, log, evidence.deliveries)
    identities.check(sheet, log)
    for stage, inputs in INPUTS.items():
        marks.check_positions(sheet, log, stage, inputs)
    sending.check(sheet, log, evidence.submits)


def journaled(sheet: Sheet, stage: str, known: Mapping[str, Configuration]) -> Journaled:
    """By the hash that an entry of the journal names. What nobody knows is found, and worked through by the first."""

    def made(hashed: str | None) -> Stage:
        first = next(iter(known))
        if hashed is not None and hashed not in known:
            sheet.find(Promise.JOURNALED, topics.journal_of(stage), f"nobody knows a configuration {hashed}")
        return _MAKES[stage](known.get(hashed or first, known[first]), hashed or first)

    return Journaled(stage, INPUTS[stage], made)


def configurations(log: Log, given: Configuration) -> Mapping[str, Configuration]:
    """The one of the run first, then those that were accepted besides."""
    accepted = (
        msgspec.json.decode(record.value, type=ConfigurationAccepted)
        for record in log.of(topics.CONFIG)
        if record.value
    )
    return {hash_of(given): given} | {one.hash: read_back(bytes(one.configuration), NAMES) for one in accepted}
