"""One file a channel: how a notification reads there, and which OpenText job it becomes."""
