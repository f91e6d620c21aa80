"""The HTTP way in: what Shopify, jobs and OpenText tell us is verified, and on the log before they hear yes.

    intake = Intake(appender, broker.partitions, clock, metrics, log)
    receiver = Receiver(intake, credentials_of(configuration, secrets), configuration.kafka.prefix)
    async with serving(receiver, (host, port)) as bound_port:
        await receiver.beat()

Not in here yet: `/decisions` and `/acknowledgements` (no tokens exist), WhatsApp's answers. They are 404.
"""

from pipeline.receiver.application import Receiver, runner, serving
from pipeline.receiver.intake import Bounds, Intake, Verdict
from pipeline.receiver.signatures import Credentials, ShopCredentials, credentials_of

__all__ = [
    "Bounds",
    "Credentials",
    "Intake",
    "Receiver",
    "ShopCredentials",
    "Verdict",
    "credentials_of",
    "runner",
    "serving",
]
