"""What the playground costs and how fast it is: `python -m benchmarks`. Never part of the tests."""
