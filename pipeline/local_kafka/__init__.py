"""Apache Kafka on this machine, for the demo and for tests: in a JVM, in a container, or whatever can be had."""

from pipeline.local_kafka.answering import KafkaUnavailable
from pipeline.local_kafka.cluster import LocalCluster, start_cluster
from pipeline.local_kafka.docker import DockerKafka, docker_available, start_docker
from pipeline.local_kafka.jvm import LocalKafka, available, start
from pipeline.local_kafka.obtain import REMEDIES, Obtained, obtain

__all__ = [
    "REMEDIES",
    "DockerKafka",
    "KafkaUnavailable",
    "LocalCluster",
    "LocalKafka",
    "Obtained",
    "available",
    "docker_available",
    "obtain",
    "start",
    "start_cluster",
    "start_docker",
]
