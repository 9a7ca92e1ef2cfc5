"""Files, signals, the terminal: what the operating system gives, and when it does not."""
