"""`pipeline stopped`: tasks that work on nothing more until somebody has looked, and lifting their stop."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from pipeline.broker import Broker, Fenced, InDoubt
from pipeline.commands.options import (
    DEFAULT_CONFIG,
    FAILED,
    WRONG,
    BootstrapOption,
    ConfigOption,
    Opened,
    fail,
    on_broker,
)
from pipeline.stopped import Loss, NotAccepted, accept_loss, lift, losses, stopped_tasks

#: Returns how many reasons to stand still it took away from a task.
GoOn = Callable[[Broker, str, int], Awaitable[int]]


class StoppedTasks:
    """`inputs`: what each stage reads."""

    def __init__(self, opened: Opened, inputs: Mapping[str, Sequence[str]]) -> None:
        self._opened = opened
        self._inputs = inputs

    def commands(self) -> typer.Typer:
        made = typer.Typer(help="Tasks that wait for somebody to look, and how they go on.", no_args_is_help=True)
        made.command("list")(self.list_all)
        made.command("lift")(self.lift)
        return made

    def list_all(
        self,
        json: Annotated[bool, typer.Option("--json", help="One JSON line per task.")] = False,
        config: ConfigOption = DEFAULT_CONFIG,
        kafka: BootstrapOption = None,
    ) -> None:
        """List the tasks that are stopped, and why. Exits with 1 where there are any."""
        found = on_broker(self._opened(config, kafka), self._found)
        for one in found:
            told = f"{one['task']}: {one['reason']}" + (f" (since {one['since']})" if one["since"] else "")
            _say(msgspec.json.encode(one).decode() if json else told)
        if not found and not json:
            _say("no task is stopped")
        if found:
            raise SystemExit(FAILED)

    async def _found(self, broker: Broker) -> Sequence[Mapping[str, str]]:
        found: list[Mapping[str, str]] = []
        with Console(stderr=True).status("reading") as status:
            for stage, inputs in self._inputs.items():
                status.update(f"reading the state of {stage}")
                for task in await stopped_tasks(broker, (stage,)):
                    since = task.stopped.at.astimezone(UTC).isoformat(timespec="seconds")
                    found.append({"task": f"{stage} {task.number}", "reason": task.stopped.reason, "since": since})
                for number in range(broker.partitions):
                    for loss in await losses(broker, stage, number, inputs):
                        found.append({"task": f"{stage} {number}", "reason": _lost(loss), "since": ""})
        return found

    def lift(
        self,
        stage: Annotated[str, typer.Argument(help="The stage.")],
        numbers: Annotated[list[int] | None, typer.Argument(help="The partitions; none: all that are stopped.")] = None,
        accept: Annotated[
            bool, typer.Option("--accept-loss", help="Read on behind what retention took before it was read.")
        ] = False,
        config: ConfigOption = DEFAULT_CONFIG,
        kafka: BootstrapOption = None,
    ) -> None:
        """Let stopped tasks go on. Mend the reason first: they stop again over the same fault."""
        if accept and not numbers:
            fail("--accept-loss wants the partitions by number: what is lost is lost for good", WRONG)
        broker = self._opened(config, kafka)
        self._require(stage, numbers or (), broker.partitions)
        go_on = self._accept_and_lift if accept else _lift
        try:
            lifted = on_broker(broker, lambda broker: _each(broker, stage, numbers, go_on))
        except Fenced:
            fail("somebody else takes the task at the same time; look again with `pipeline stopped list`", FAILED)
        except NotAccepted as error:
            fail(str(error), FAILED)
        except InDoubt as error:
            fail(f"{error}; look again with `pipeline stopped list`", FAILED)
        if not lifted:
            fail(f"nothing of {stage} was stopped", FAILED)

    def _require(self, stage: str, numbers: Sequence[int], partitions: int) -> None:
        if stage not in self._inputs:
            fail(f"no such stage: {stage}; there are: {', '.join(self._inputs)}", WRONG)
        if outside := [number for number in numbers if not 0 <= number < partitions]:
            fail(f"no such partition: {outside[0]}; there are 0 to {partitions - 1}", WRONG)

    async def _accept_and_lift(self, broker: Broker, stage: str, number: int) -> int:
        lost = await accept_loss(broker, stage, number, self._inputs[stage])
        for loss in lost:
            _say(f"{stage} {number}: {_lost(loss)}; it reads on at {loss.beginning}")
        return len(lost) + await _lift(broker, stage, number)


def _lost(loss: Loss) -> str:
    if loss.is_anew:
        return f"{loss.topic} is another log than the one that was read, up to {loss.position}"
    return f"retention took {loss.offsets} offsets of {loss.topic} that were not read"


async def _each(broker: Broker, stage: str, numbers: Sequence[int] | None, go_on: GoOn) -> int:
    return sum(
        [
            await go_on(broker, stage, number)
            for number in numbers or [task.number for task in await stopped_tasks(broker, (stage,))]
        ]
    )


async def _lift(broker: Broker, stage: str, number: int) -> int:
    stopped = await lift(broker, stage, number)
    if stopped is None:
        return 0
    _say(f"{stage} {number}: lifted; it was stopped because {stopped.reason}")
    return 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
