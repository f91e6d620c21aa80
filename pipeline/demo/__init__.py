"""`pipeline demo`: a day in a store, from webhook to notification, in one process, by the code of production.

Only addresses and the clock differ. The clock steps: it jumps to the next delivery or business timer once the chain
stands still; patience, retries and transactions run in real time.
"""

from pipeline.demo.chain import Demo, DemoFailed, DemoOptions
from pipeline.demo.showing import Lines, Show, Terminal

__all__ = ["Demo", "DemoFailed", "DemoOptions", "Lines", "Show", "Terminal"]
