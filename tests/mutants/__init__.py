"""A tester of the tests: the code is made wrong in one place after the other, and some test has to fail."""
