"""The viewer of one exam: a web page of its own that needs no network.

Its page is `page.html`, `page.css` and the scripts beside them; `page` puts the exam into it.
"""
