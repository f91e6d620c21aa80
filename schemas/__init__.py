"""What travels: frozen structs, topics, codec, configuration's types. No input, no output, no clock."""
