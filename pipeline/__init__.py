"""How it moves: the only package that knows Kafka, HTTP serving, signals and the environment."""
