"""A day in a store: 24 hours up to a given moment, in which each of the seven use cases comes up and is settled."""

from pipeline.simulators.scenario.day import LENGTH, day
from pipeline.simulators.scenario.playing import Player, Tokens
from pipeline.simulators.scenario.steps import Act, Change, JobReport, PaymentReport, Step, deliveries

__all__ = ["LENGTH", "Act", "Change", "JobReport", "PaymentReport", "Player", "Step", "Tokens", "day", "deliveries"]
