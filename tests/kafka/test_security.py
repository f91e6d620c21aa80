"""How the configuration's words reach the client."""

from __future__ import annotations

from pipeline.kafka import Security, security_of
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
