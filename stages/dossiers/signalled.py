"""What a signal adds to its subject's dossier. Every addition is a join: order and number do not matter."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.signals import (
    AnySignal,
    ChainBehind,
    DeadLettered,
    FactsGivenUp,
    JobAwaited,
    JobReported,
    PaymentFailedReported,
    ShopHeard,
    SignaturesFailed,
    TaskStopped,
    TopicHeard,
)
from stages.dossiers.dossier import Dossier
from stages.dossiers.registers import Known, bounded, later, seen, shelved, stamp_of_signal
from stages.dossiers.rhythms import AWAITED, HEARD, beaten

#: More than an installation has.
_TASKS = 10_000


def with_signal(dossier: Dossier, signal: AnySignal, kind: str) -> Dossier:
    """The dossier with what the signal tells: the newest of its type, of a job's reports the newest of each phase.

    Those of a job's runs, where it names them, stand beside them: many runs push no phase out. Of the chain each task
    reports for itself, and none is pushed out: one that was forgotten would never be waited for.
    """
    told = Known(stamp_of_signal(signal), kind, bounded(signal))
    if isinstance(signal, TopicHeard):
        spans = seen(dossier.spans, HEARD, "yes", signal.occurred)
        rhythm = beaten(dossier.rhythm, signal.occurred)
        return replace(dossier, spans=spans, rhythm=rhythm, heard=later(dossier.heard, signal.occurred))
    if isinstance(signal, JobAwaited):
        return replace(dossier, spans=seen(dossier.spans, AWAITED, "yes", signal.occurred))
    if isinstance(signal, JobReported | PaymentFailedReported | ShopHeard):
        dossier = replace(dossier, heard=later(dossier.heard, signal.occurred))
    if isinstance(signal, ChainBehind | TaskStopped | DeadLettered | SignaturesFailed | FactsGivenUp):
        return replace(dossier, signals=shelved(dossier.signals, f"{kind}/{_of(signal)}", told, cap=_TASKS))
    if not isinstance(signal, JobReported):
        return replace(dossier, signals=shelved(dossier.signals, kind, told))
    signals = shelved(dossier.signals, f"{kind}/{signal.phase}", told)
    if signal.run is not None:
        signals = shelved(signals, f"job-run/{signal.run}/{signal.phase}", told)
    return replace(dossier, signals=signals, spans=seen(dossier.spans, HEARD, "yes", signal.occurred))


def _of(signal: ChainBehind | TaskStopped | DeadLettered | SignaturesFailed | FactsGivenUp) -> str:
    """What of the pipeline it is about; what is counted by the minute of an hour: a small number hides none."""
    match signal:
        case DeadLettered():
            return f"{signal.stage}/{signal.reason}/{signal.occurred:%M}"
        case SignaturesFailed() | FactsGivenUp():
            return f"{signal.occurred:%M}"
        case _:
            return f"{signal.stage}/{signal.number}"
