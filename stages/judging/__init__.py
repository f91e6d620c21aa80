"""What becomes of the verdicts of rules: episodes, waits, questions, routes."""
