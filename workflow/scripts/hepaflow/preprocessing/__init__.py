"""From an exam to what the networks see."""
