"""Finished runs side by side: what differs between them, and their scores exam by exam; `hepaflow compare`."""
