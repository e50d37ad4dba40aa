"""What a secret may be called, for those who make one and those who name one."""

import re

MAX_CHARACTERS = 100
PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*\Z"
RULE = "Use letters, digits and _, and no digit at the beginning."


def is_name(text: str) -> bool:
    return len(text) <= MAX_CHARACTERS and re.match(PATTERN, text) is not None
