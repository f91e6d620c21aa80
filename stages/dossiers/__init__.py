"""What is known of a subject: dossiers, and how events and signals are merged into them."""
