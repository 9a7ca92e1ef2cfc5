"""DICOM in and out: a CT series becomes a volume, a result becomes objects of the same study (thesis 4.10)."""
