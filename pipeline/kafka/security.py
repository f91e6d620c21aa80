"""How an installation proves who it is to its Kafka, as the client wants to hear it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aiokafka.helpers import create_ssl_context

from schemas.configuration import KafkaSettings, Secret


@dataclass(frozen=True)
class Security:
    """`protocol` is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. Without a `cafile` the system's authorities are it."""

    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    cafile: str | None = None

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """Raises OSError where the file of authorities cannot be read."""
        found: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            found["ssl_context"] = create_ssl_context(cafile=self.cafile)
        if self.protocol.startswith("SASL"):
            found["sasl_mechanism"] = self.mechanism or "PLAIN"
            found["sasl_plain_username"] = self.username
            found["sasl_plain_password"] = self.password
        return found

    @property
    def spoken(self) -> str:
        """For a message: the client does not tell whether nobody is there, or somebody who speaks another way."""
        if self.protocol == "PLAINTEXT":
            return ""
        return f" (asked by {' '.join(filter(None, (self.protocol, self.mechanism)))})"


def security_of(kafka: KafkaSettings, value: Callable[[Secret], str]) -> Security:
    """`value` turns the name of a secret into the secret. Raises what it raises."""
    password = None if kafka.password is None else value(kafka.password)
    return Security(kafka.security, kafka.mechanism, kafka.username, password, kafka.cafile)
