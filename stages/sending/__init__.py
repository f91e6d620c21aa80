"""A notification's way through OpenText, as `dispatch` keeps it: intents, attempts, fates. Nothing here does I/O."""
