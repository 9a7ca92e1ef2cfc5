"""What a run reads and makes; nothing of it needs torch."""
