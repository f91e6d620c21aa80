"""What would become of an event, without a broker and without a network: `pipeline explain` and `pipeline route`."""
