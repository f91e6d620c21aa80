"""The house itself: what a stranger installs, what the image holds, who may know what.

import-linter checks which of our packages imports which; what it cannot express (parts of outside packages) is here.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from hatchling.build import build_wheel

from pipeline.settings import load

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

PACKAGES = ("pipeline", "stages", "schemas")
ALLOWED = {*PACKAGES, "tests", "deploy"}
ALLOWED |= {"pyproject.toml", "README.md", "Makefile", "LICENSE", "requirements.lock"}
# what a build leaves behind, never under version control
MADE = {"build", "dist"}


def entries(section: str = LOCK) -> list[str]:
    """The lock's requirements, each with its hashes, as one string per package."""
    return [entry for entry in re.split(r"\n(?=[a-z0-9])|\n#.*", "\n" + section) if "==" in entry]


def named(section: str) -> set[str]:
    return {entry.split("==")[0].strip() for entry in entries(section)}


def sections() -> tuple[str, str, str]:
    running, rest = LOCK.split("# only to build\n")
    building, testing = rest.split("# only for tests\n")
    return running, building, testing


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that a module imports, `from a import b` as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_top_level_holds_only_what_the_house_has_room_for() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert found - ALLOWED - MADE - {path.name for path in ROOT.glob("*.egg-info")} == set()


def test_every_entry_of_the_lock_is_pinned_and_has_a_hash() -> None:
    assert len(entries()) > 40
    for entry in entries():
        assert re.match(r"\s*[a-z0-9-]+==\S+( ; [^\\]+)? \\\n    --hash=sha256:[0-9a-f]{64}", entry), entry[:80]


def test_the_lock_names_no_host_and_no_index() -> None:
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|@", LOCK)


def test_the_lock_holds_every_dependency_that_the_project_names() -> None:
    running, building, testing = map(named, sections())

    assert {re.split("[><=]", need)[0] for need in PROJECT["project"]["dependencies"]} <= running
    assert {re.split("[><=]", need)[0] for need in PROJECT["build-system"]["requires"]} <= building
    assert {
        re.split("[><=]", need)[0] for need in PROJECT["project"]["optional-dependencies"]["test"]
    } <= building | testing


def test_no_package_is_locked_twice() -> None:
    names = [entry.split("==")[0].strip() for entry in entries()]

    assert len(names) == len(set(names))


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="pipeline")

    assert callable(command.load())


def test_the_wheel_holds_every_file_of_our_packages_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with ZipFile(tmp_path / build_wheel(str(tmp_path))) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    here = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.*")}
    assert packed == {name for name in here if "__pycache__" not in name}


@pytest.mark.parametrize("folder", ["graphql", "templates"])
def test_what_the_stages_read_is_found_as_a_resource(folder: str) -> None:
    documents = [path for path in files("stages").joinpath(folder).iterdir() if path.name.endswith((".graphql", ".j2"))]

    assert documents
    assert all(path.read_text().strip() for path in documents)


@pytest.mark.parametrize("package", ["stages", "schemas"])
def test_nothing_below_the_pipeline_serves_http(package: str) -> None:
    offenders = [name for name, tree in modules(package) if any(i.startswith("aiohttp.web") for i in imported(tree))]

    assert offenders == []


def test_pure_stages_and_rules_know_no_clock_no_chance_and_no_world() -> None:
    pure = re.compile(
        r"stages/(deduplicate|classify|group|told|erasing|hearing|(rules|judging|dossiers|conditions)/\w+)\.py"
    )
    world = {"asyncio", "aiohttp", "time", "random", "secrets", "uuid", "os", "pathlib", "socket"}
    offenders = [
        f"{name}: {outside}"
        for name, tree in modules("stages")
        if pure.fullmatch(name)
        for outside in imported(tree)
        if outside.split(".")[0] in world
    ]

    assert offenders == []


@pytest.mark.parametrize("package", ["stages", "schemas"])
def test_nothing_below_the_pipeline_has_a_clock_of_its_own(package: str) -> None:
    clocks = ("datetime.now", "datetime.utcnow", "date.today", "time.time", "time.monotonic")
    offenders = [
        f"{name}:{node.lineno}"
        for name, tree in modules(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith(clocks)
    ]

    assert offenders == []


def test_no_stage_sleeps_itself() -> None:
    """What takes long is parked with a timer. (Their clients may wait a moment, for a throttled bucket.)"""
    stages = re.compile(r"stages/(enrich|deduplicate|classify|group|dispatch|stage|(rules|channels)/\w+)\.py")
    offenders = [
        f"{name}:{node.lineno}"
        for name, tree in modules("stages")
        if stages.fullmatch(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "sleep"
    ]

    assert offenders == []


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_module_does_nothing(package: str) -> None:
    """No call stands alone at a module's top level: nothing registers, connects or configures itself."""
    offenders = [
        f"{name}:{node.lineno}"
        for name, tree in modules(package)
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)
    ]

    assert offenders == []


def test_the_image_runs_as_nobody_in_particular() -> None:
    final = DOCKERFILE.rsplit("\nFROM ", 1)[1]

    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert final.index("USER") < final.index("ENTRYPOINT")
    assert "root" not in final


def test_the_image_is_installed_from_the_lock_and_leaves_its_tools_behind() -> None:
    building, final = DOCKERFILE.rsplit("\nFROM ", 1)

    assert "--require-hashes" in building
    assert "pip uninstall --yes -r build.lock pip" in building
    assert "pip" not in final.replace("pipeline", "")


def test_the_image_says_whether_it_lives() -> None:
    assert "HEALTHCHECK" in DOCKERFILE
    assert "127.0.0.1:9400/live" in DOCKERFILE


def test_compose_runs_one_image_of_ours_and_one_kafka() -> None:
    services = COMPOSE["services"]

    assert {service["image"] for service in services.values()} == {
        "apache/kafka:4.3.1",
        "shopify-opentext-notifications",
    }
    assert services["pipeline"]["command"] == ["run", "all"]
    assert services["topics"]["command"] == ["topics", "apply"]
    assert services["shopify"]["command"][:2] == ["simulate", "shopify"]
    assert services["opentext"]["command"][:2] == ["simulate", "opentext"]


def test_compose_starts_the_pipeline_only_when_its_topics_stand() -> None:
    services = COMPOSE["services"]

    assert services["pipeline"]["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert services["topics"]["depends_on"]["kafka"] == {"condition": "service_healthy"}


def test_compose_begins_the_day_when_somebody_listens_and_tells_of_jobs_too() -> None:
    """Without the two tokens the simulated shop sends no job report, and use case 7 stays silent."""
    services = COMPOSE["services"]

    assert services["shopify"]["depends_on"]["pipeline"] == {"condition": "service_healthy"}
    assert {"PIPELINE_JOB_TOKEN", "PIPELINE_SIGNAL_TOKEN"} <= services["shopify"]["environment"].keys()
    shop = load(ROOT / "deploy" / "pipeline.compose.yaml").shops[0]
    assert shop.job_token
    assert shop.signal_token


def test_compose_gives_every_service_an_address_that_others_use_for_it() -> None:
    services = COMPOSE["services"]
    named = set(re.findall(r"http://(\w+):(\d+)", (ROOT / "deploy" / "pipeline.compose.yaml").read_text()))
    command = " ".join(services["shopify"]["command"])
    named |= set(re.findall(r"http://(\w+):(\d+)", command))

    published = {name: str(service.get("ports", [""])[0]).rsplit(":", 1)[-1] for name, service in services.items()}
    assert named == {("shopify", "8090"), ("opentext", "8091"), ("pipeline", "8080")}
    assert {name: published[name] for name, _ in named} == dict(named)


def test_compose_makes_no_topic_by_accident_and_asks_one_node_for_no_copies() -> None:
    environment = COMPOSE["services"]["kafka"]["environment"]

    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert {value for key, value in environment.items() if key.endswith(("REPLICATION_FACTOR", "MIN_ISR"))} == {1}


def test_compose_publishes_ports_to_this_machine_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", ["pipeline.example.yaml", "pipeline.compose.yaml"])
def test_the_configurations_that_we_ship_are_read_without_a_complaint(name: str) -> None:
    read = load(ROOT / "deploy" / name)

    assert read.shops
    assert read.teams


def test_compose_gives_a_value_to_every_secret_that_its_configuration_names() -> None:
    wanted = set(re.findall(r"env: (\w+)", (ROOT / "deploy" / "pipeline.compose.yaml").read_text()))
    given = COMPOSE["services"]["pipeline"]["environment"]

    assert wanted
    assert {name: given.get(name, "").startswith("demo-not-a-secret") for name in wanted} == dict.fromkeys(wanted, True)
