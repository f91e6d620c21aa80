"""Apache Kafka as the pipeline's broker, through aiokafka: the only package that knows a Kafka client.

What the client does not do, or does otherwise than the port promises, is mended here and nowhere else: partitions are
given out by number (`assignor`), sizes are checked before anything is sent (`limits`), every call has a bound
(`failures`, `ending`). Not promised: anything while no broker answers, but that it is said in time.
"""

from pipeline.kafka.broker import KafkaBroker
from pipeline.kafka.installation import Timing
from pipeline.kafka.security import Security, security_of

__all__ = ["KafkaBroker", "Security", "Timing", "security_of"]
