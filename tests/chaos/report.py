"""One line for each scenario, and all of them again at the end of the run."""

from statistics import quantiles

LINES: list[str] = []


def tell(scenario: str, **figures: object) -> None:
    told = " · ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
    LINES.append(f"{scenario}: {told}")


def spread(seconds: list[float]) -> str:
    """`p50 0.1 s, p99 0.2 s` of so many."""
    if len(seconds) < 2:
        return f"{seconds[0]:.2f} s" if seconds else "none"
    cuts = quantiles(sorted(seconds), n=100, method="inclusive")
    return f"p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s"
