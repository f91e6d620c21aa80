"""`python -m tests.chaos`: a chaos run on a Kafka of its own, judged. 0: every promise held; 1: one was broken."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipeline.local_kafka import start, start_cluster
from tests.chaos.oracle.findings import Verdict
from tests.chaos.oracle.judge import judge
from tests.chaos.plan import Disturbance, Plan
from tests.chaos.run import Kafka, Outcome, finished

BROKEN = 1
_UNFENCED = "tests.chaos.unfenced"
#: Without fencing: who comes back from the dead with records in hand writes what others have written.
_COME_BACK = (Disturbance.ZOMBIE,)


def main(  # noqa: PLR0913 - one parameter per option
    seed: Annotated[int, typer.Option(help="The same seed plans the same load and the same disturbances.")] = 1,
    seconds: Annotated[float, typer.Option(min=15, help="How long the load lasts.")] = 100.0,
    processes: Annotated[int, typer.Option(min=3, help="Of `pipeline run all`, at the beginning.")] = 3,
    partitions: Annotated[int, typer.Option(min=1)] = 12,
    brokers: Annotated[int, typer.Option(help="1 or 3; the only one is not killed.")] = 3,
    rate: Annotated[float, typer.Option(min=1, help="Webhooks a second.")] = 40.0,
    settle: Annotated[float, typer.Option(help="Seconds within which everything stands still afterwards.")] = 150.0,
    only: Annotated[list[Disturbance] | None, typer.Option(help="Only these disturbances (again and again).")] = None,
    without_fencing: Annotated[
        bool, typer.Option(help="Ids of transactions per process: it must see duplicates.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="A folder for logs and the configuration.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The report as one JSON line, and nothing else.")] = False,
) -> None:
    """Kill, stop and starve a running installation under load, and judge what its topics hold afterwards."""
    program, usual = (_UNFENCED, _COME_BACK) if without_fencing else ("pipeline", tuple(Disturbance))
    disturbances = tuple(only) if only else usual
    plan = Plan(seed, seconds, processes, partitions, brokers, rate, settle, program, disturbances)
    paper = Console(stderr=True, quiet=json, highlight=False)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        outcome, verdict = asyncio.run(_judged(plan, keep or Path(folder), paper))
    show = _json if json else _table
    show(outcome, verdict)
    raise SystemExit(0 if verdict.holds and not outcome.problems else BROKEN)


async def _judged(plan: Plan, folder: Path, paper: Console) -> tuple[Outcome, Verdict]:
    paper.print(f"starting {plan.brokers} broker(s); seed {plan.seed}")
    async with _kafka(plan.brokers) as kafka, finished(plan, kafka, folder, paper.print) as outcome:
        paper.print("judging what the topics hold ...")
        return outcome, await judge(outcome.evidence)


@asynccontextmanager
async def _kafka(brokers: int) -> AsyncIterator[Kafka]:
    if brokers == 1:
        async with await start() as single:
            yield Kafka(single.bootstrap)
    else:
        async with await start_cluster() as cluster:
            yield Kafka(cluster.bootstrap, cluster)


def _table(outcome: Outcome, verdict: Verdict) -> None:
    paper = Console(highlight=False)
    table = Table("figure", "", box=None)
    for name, figure in outcome.figures.items():
        table.add_row(name, f"{figure:,g}")
    paper.print(table)
    for line in (*verdict.lines(), *outcome.problems):
        paper.print(line, markup=False, soft_wrap=True)


def _json(outcome: Outcome, verdict: Verdict) -> None:
    plan = outcome.plan
    said = {
        "holds": verdict.holds and not outcome.problems,
        "plan": plan,
        "figures": outcome.figures,
        "problems": outcome.problems,
        "verdict": list(verdict.lines()),
        "log": outcome.log,
    }
    print(orjson.dumps(said).decode())  # noqa: T201 - its output


if __name__ == "__main__":
    typer.run(main)
