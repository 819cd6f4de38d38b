"""The commands, one file each: they read arguments, call one thing, and print."""
