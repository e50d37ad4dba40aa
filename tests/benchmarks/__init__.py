"""What the project promises in figures: `make bench`, or one group by `make bench BENCH=engine`.

Machines are noisy: each group measures what it compares in turns, in one run, and quotes medians and their ratio.
"""
