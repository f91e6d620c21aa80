"""The configuration file and the secrets that it names, as values. Nothing else reads either.

A file is taken whole or not at all: `load` gives a `Configuration` whose names all exist, or raises with everything
that is wrong in it. Secrets are resolved apart, so that a file can be checked where its secrets are not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import msgspec

from pipeline.consistency import mistakes_in, secrets_of
from pipeline.document import Document, Mistake
from pipeline.rule_mistakes import misplaced
from schemas.configuration import Configuration, Listen, Secret


class ConfigurationError(Exception):
    """One line per mistake: the path, what is wrong, and what would be right."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def load(path: Path, rules: Collection[str] = ()) -> Configuration:
    """Raises ConfigurationError. `rules` as for `parse`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Mistake(str(path), error.strerror or "cannot be read")]) from error
    return decoded(raw, path, rules)


def decoded(raw: bytes, path: Path, rules: Collection[str] = ()) -> Configuration:
    """What the bytes say that stand at `path`. Raises ConfigurationError."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([Mistake(str(path), "is not UTF-8: save it as that", line)]) from error
    return parse(text, rules)


def parse(text: str, rules: Collection[str] = ()) -> Configuration:
    """Raises ConfigurationError. With the names of all `rules`, those that the text names are checked too."""
    document = Document()
    values = document.read(text, Configuration)
    unread = [misplaced(mistake, rules) for mistake in document.mistakes]
    if values is None:
        raise ConfigurationError(unread)
    try:
        configuration = msgspec.convert(values, Configuration)
    except msgspec.ValidationError as error:
        raise ConfigurationError([*unread, Mistake("", str(error))]) from error
    found = [
        mistake._replace(line=document.line_of(mistake.path))
        for mistake in mistakes_in(configuration, rules)
        if not _follows(mistake, unread)
    ]
    if mistakes := [*unread, *found]:
        raise ConfigurationError(sorted(mistakes, key=lambda mistake: mistake.line or 0))
    return configuration


def _follows(mistake: Mistake, others: Sequence[Mistake]) -> bool:
    """Where something could not be read, its surroundings seem wrong too: that is not said."""
    return any(other.path.startswith(mistake.path) or mistake.path.startswith(other.path) for other in others)


def said_by(configuration: Configuration) -> bytes:
    """What it says, as JSON and in one way only. `listen` is left out: where a process listens is its own business."""
    said = _said(msgspec.structs.replace(configuration, listen=Listen()))
    return msgspec.json.encode(said, order="sorted")


def hash_of(configuration: Configuration) -> str:
    """Twelve hexadecimal digits; the same for two files that say the same, whatever their order and their comments."""
    return sha256(said_by(configuration)).hexdigest()[:12]


def read_back(said: bytes, rules: Collection[str] = ()) -> Configuration:
    """Of `said_by`, maybe of another build's: raises ConfigurationError where this one would not accept it."""
    try:
        configuration = msgspec.json.decode(said, type=Configuration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError([Mistake("", str(error))]) from error
    if mistakes := mistakes_in(configuration, rules):
        raise ConfigurationError(mistakes)
    return configuration


def _said(value: object) -> object:
    """Without what is as it would be anyway: a default that is written out says nothing new."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        return {
            field.name: _said(inner) for field in fields if (inner := getattr(value, field.name)) != _default(field)
        }
    if isinstance(value, tuple):
        return [_said(inner) for inner in value]
    return _plain(value) if isinstance(value, Decimal) else value


def _plain(number: Decimal) -> Decimal:
    """The same for 5000 and 5000.00, and said as a person would say it: not 5E+3."""
    return Decimal(format(number.normalize(), "f"))


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


class Secrets:
    """The values behind the names. `environ` is what main was started with; files are read when they are asked for."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def value(self, secret: Secret) -> str:
        """Raises ConfigurationError that names the variable or the file, never a value."""
        if secret.env is not None:
            return self._variable(secret.env)
        return self._file(Path(secret.file or ""))

    def require(self, configuration: Configuration) -> None:
        """Raises ConfigurationError with every secret of the configuration that is not there."""
        mistakes: list[Mistake] = []
        for path, secret in secrets_of(configuration):
            try:
                self.value(secret)
            except ConfigurationError as error:
                mistakes += [Mistake(path, mistake.says) for mistake in error.mistakes]
        if mistakes:
            raise ConfigurationError(mistakes)

    def _variable(self, name: str) -> str:
        if value := self._environ.get(name, ""):
            return value
        raise ConfigurationError([Mistake("", f"the environment variable {name} is not set")])

    def _file(self, path: Path) -> str:
        try:
            value = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            says = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise ConfigurationError([Mistake("", f"the secret's file {path} cannot be read: {says}")]) from error
        if value:
            return value
        raise ConfigurationError([Mistake("", f"the secret's file {path} is empty")])
