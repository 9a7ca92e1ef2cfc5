"""The report of one segmented exam: measurements, pictures, and a web page that needs no network."""
