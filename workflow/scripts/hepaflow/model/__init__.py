"""A trained model: its file, its card, and how it segments an exam."""
