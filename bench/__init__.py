"""The benchmarks: the real server and the real database, each figure beside a floor."""
