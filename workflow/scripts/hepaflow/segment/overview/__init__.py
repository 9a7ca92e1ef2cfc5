"""All results in a folder at a glance: a page, and tables with a row an exam and a row a lesion."""
