"""What happens: one file a stage. Knows schemas; knows no broker, no environment, no clock of its own."""
