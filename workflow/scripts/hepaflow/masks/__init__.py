"""Masks of the networks: kept in files, cleaned, fused, brought back to the exam's grid."""
