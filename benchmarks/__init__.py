"""Speed and quality beside others, measured in turn: `make bench` writes docs/benchmarks.md."""
