"""What machines read of the whole office: lists, and what happens."""
