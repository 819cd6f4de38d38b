"""Who is asking: people by session cookie, programs by token."""
