"""What a job of the workflow notes about itself: its log, its record, its entry in the shared cache.

None of it touches a result: the fingerprints of code leave this package out, and nothing else here may import it.
"""
