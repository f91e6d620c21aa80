"""Which Kafka is taken, and what is said where none can be had."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pipeline.local_kafka import KafkaUnavailable, available, docker_available, obtain, start


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what the test puts there, and no Docker engine."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    return folder


def put(tools: Path, name: str, *lines: str) -> None:
    tool = tools / name
    tool.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)


def put_java(tools: Path, version: str, *lines: str) -> None:
    put(tools, "java", f'if [ "$1" = -version ]; then echo \'openjdk version "{version}"\' >&2; exit 0; fi', *lines)


def found(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


async def test_a_given_kafka_is_taken_before_all_others_and_is_not_ours_to_stop(tools: Path) -> None:
    obtained = await obtain(given="kafka.example.com:9092")
    assert (obtained.bootstrap, obtained.owned) == ("kafka.example.com:9092", False)
    assert "KAFKA_BOOTSTRAP_SERVERS" in obtained.why
    await obtained.stop()


async def test_an_address_that_was_asked_for_is_taken_even_if_another_is_given(tools: Path) -> None:
    obtained = await obtain("kafka.example.com:9092", given="other.example.com:9092")
    assert (obtained.bootstrap, obtained.owned) == ("kafka.example.com:9092", False)


async def test_where_nothing_can_be_had_one_line_names_what_is_missing_and_every_remedy(tools: Path) -> None:
    with pytest.raises(KafkaUnavailable) as caught:
        await obtain()
    said = str(caught.value)
    assert "\n" not in said
    for part in (
        "no java on the PATH",
        "no Docker engine",
        "KAFKA_BOOTSTRAP_SERVERS",
        "Java >= 17 and Maven",
        "Docker",
    ):
        assert part in said


async def test_an_old_java_is_named_with_its_version(tools: Path) -> None:
    put_java(tools, "11.0.22")
    with pytest.raises(KafkaUnavailable, match="java is version 11, Kafka needs 17"):
        await obtain("local")


async def test_a_java_that_cannot_say_its_version_is_not_taken(tools: Path) -> None:
    put(tools, "java", "exit 1")
    with pytest.raises(KafkaUnavailable, match="Kafka needs 17"):
        await obtain("local")


async def test_without_maven_and_without_its_jars_there_is_no_local_kafka(tools: Path, tmp_path: Path) -> None:
    put_java(tools, "21.0.1")
    with pytest.raises(KafkaUnavailable, match="no mvn on the PATH"):
        await obtain("local", cache=tmp_path)


async def test_a_maven_that_fails_is_quoted_and_leaves_nothing_behind(tools: Path, tmp_path: Path) -> None:
    put_java(tools, "17.0.9")
    put(tools, "mvn", "echo no repository answers", "exit 1")
    with pytest.raises(KafkaUnavailable, match="Maven could not bring Kafka's jars: no repository answers"):
        await start(cache=tmp_path / "cache")
    assert [path for path in found(tmp_path, "cache/**/*") if path.is_file()] == []


async def test_a_kafka_that_does_not_start_says_how_its_log_ends(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_java(tools, "17.0.9", 'case "$*" in *StorageTool*) exit 0;; esac', "echo it is full here", "exit 1")
    put(tools, "mvn", 'for each in "$@"; do case $each in -DoutputDirectory=*) /bin/mkdir -p "${each#*=}";; esac; done')
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match=r"did not start \(its process ended\); its log ends: it is full here"):
        await start(cache=tmp_path / "cache")
    assert found(tmp_path, "kafka-*") == []


async def test_docker_is_not_taken_where_no_engine_answers(tools: Path) -> None:
    assert "no Docker engine answers" in (docker_available() or "")
    with pytest.raises(KafkaUnavailable, match="no Docker engine answers"):
        await obtain("docker")


def test_jars_that_are_there_need_no_maven(tools: Path, tmp_path: Path) -> None:
    put_java(tools, "17.0.9")
    (tmp_path / "shopify-opentext-notifications" / "kafka-4.3.1").mkdir(parents=True)
    assert available(tmp_path) is None
