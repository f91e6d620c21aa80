"""Configurations while a process runs: the order of the accepted ones, the watched file, and who works by which.

log = EditionLog(broker, clock, NAMES)
following = Following(configuration, log, parts, outside, file)
await following.begin()     # every part works by the newest
await following.run()       # and by each one that follows
await following.close()
"""

from pipeline.configurations.following import Following, Watching
from pipeline.configurations.log import EditionLog, Entry, Version
from pipeline.configurations.openings import Openings, Part
from pipeline.configurations.parts import AnyStage, CredentialsPart, StagePart
from pipeline.configurations.watched import WatchedFile

__all__ = [
    "AnyStage",
    "CredentialsPart",
    "EditionLog",
    "Entry",
    "Following",
    "Openings",
    "Part",
    "StagePart",
    "Version",
    "WatchedFile",
    "Watching",
]
