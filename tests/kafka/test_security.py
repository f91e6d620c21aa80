"""How the configuration's words reach the client."""

from __future__ import annotations

import pytest

from pipeline.broker import Unavailable
from pipeline.kafka import KafkaBroker, Security, security_of
from schemas.configuration import KafkaSettings, Secret


def test_a_password_is_resolved_handed_on_and_never_shown() -> None:
    settings = KafkaSettings(
        security="SASL_PLAINTEXT", mechanism="SCRAM-SHA-512", username="pipeline", password=Secret(env="KAFKA_PASSWORD")
    )
    security = security_of(settings, lambda secret: f"value of {secret.env}")
    assert security.arguments == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "pipeline",
        "sasl_plain_password": "value of KAFKA_PASSWORD",
    }
    assert "value of" not in repr(security)


def test_without_security_nothing_but_that_is_said() -> None:
    assert security_of(KafkaSettings(), str).arguments == {"security_protocol": "PLAINTEXT"}


def test_encryption_brings_a_context_that_checks_whom_it_talks_to() -> None:
    context = Security("SASL_SSL", username="pipeline", password="secret").arguments["ssl_context"]
    assert context.check_hostname


async def test_where_nobody_answers_it_is_said_how_we_asked() -> None:
    asking = KafkaBroker("127.0.0.1:1", "test", 1, Security("SASL_PLAINTEXT", "PLAIN", "pipeline", "the-password"))
    with pytest.raises(Unavailable) as told:
        await asking.start()
    assert str(told.value).startswith("the Kafka at 127.0.0.1:1 (asked by SASL_PLAINTEXT PLAIN): ")
    assert "the-password" not in str(told.value)
