"""OpenText Notifications as its REST API is publicly known: OpenText's Postman collections, quick starts, one real SMS
status. What no public source tells (error bodies, gamma codes, the inside of a DSN) is ours, and said where it is made.
"""

from pipeline.simulators.opentext.application import OpenTextFault, OpenTextSettings, OpenTextSimulator
from pipeline.simulators.opentext.jobs import Delays, Failing, Message

__all__ = ["Delays", "Failing", "Message", "OpenTextFault", "OpenTextSettings", "OpenTextSimulator"]
