"""How an exam is shown to a network piece by piece, and put together again."""
