"""What operators do from the command line with a pipeline that runs: `pipeline.cli` gives each group of commands its
way to the broker, so that nothing in here reads the environment."""
