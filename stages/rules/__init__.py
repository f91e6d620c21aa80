"""One file a use case: pure functions from what is known of a subject to what its people must learn."""
