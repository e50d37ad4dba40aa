"""How long something takes, in words."""


def duration(seconds: float) -> str:
    """`7 ms`, `1.2 s`, `2 min 05 s`, `3 h 07 min`."""
    return f"{max(0.0, seconds) * 1000:.0f} ms" if seconds < 1 else countdown(seconds)


def countdown(seconds: float) -> str:
    """The same without milliseconds, which nobody can read while they run."""
    if seconds < 59.95:  # noqa: PLR2004 (what rounds to 60.0 s is a minute)
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 (an hour)
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
