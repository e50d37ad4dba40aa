"""`{{ … }}` in a workflow: expressions over trigger, steps and variables, and the texts that hold them.

An expression is a path (`trigger.user.id`, `steps.fetch.output.items[0]`) or CEL over such paths. A text that is one
expression and nothing else keeps the value's type. Nothing is converted silently.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from json import JSONEncoder, loads

from workflows.documents import MAX_DEPTH, MAX_DOCUMENT_BYTES, Json, Trail, path_of
from workflows.expressions.evaluation import Expression, known_expression
from workflows.expressions.references import EvaluationError, ExpressionError, Reference
from workflows.expressions.syntax import named, read_expression

MAX_TEMPLATE_CHARACTERS = 64 * 1024
MAX_TEMPLATE_EXPRESSIONS = 100
_ENCODER = JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class _Rendering:
    """One value being rendered: what was evaluated already, and how many bytes of JSON it may still become."""

    def __init__(self, scope: Mapping[str, Json]) -> None:
        self.scope = scope
        self.left = MAX_DOCUMENT_BYTES
        self.known: dict[Expression, tuple[Json, int]] = {}

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise EvaluationError(f"the rendered value is larger than {MAX_DOCUMENT_BYTES:,} bytes; refer to less")

    def value(self, expression: Expression) -> Json:
        """A copy, which the receiver may change without changing the scope."""
        if expression not in self.known:
            self.known[expression] = _copied(expression, expression.evaluate(self.scope))
        value, size = self.known[expression]
        self.spend(size)
        return value

    def text(self, expression: Expression) -> str:
        value = expression.evaluate(self.scope)
        if value is None:
            fault = "null can't stand in a text; give another value, as in {{ x == null ? 'none' : string(x) }}"
            raise EvaluationError(named(expression.source, fault))
        return value if isinstance(value, str) else _encoded(expression, value)


def _copied(expression: Expression, value: Json) -> tuple[Json, int]:
    """The value and its size. Through JSON text: that is the fastest deep copy, and shows the exact size."""
    if isinstance(value, str):
        return value, _bytes(value) + 2
    if not isinstance(value, dict | list):
        return value, 1
    text = _encoded(expression, value)
    return loads(text), _bytes(text)


def _encoded(expression: Expression, value: Json) -> str:
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise EvaluationError(named(expression.source, f"it gives no JSON value: {error}")) from error


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions in it: `pieces` are texts and expressions in turn."""

    pieces: tuple[str | Expression, ...]
    references: tuple[Reference, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is one expression and nothing else, so that the value keeps its type."""
        return len(self.pieces) == 1

    def render(self, scope: Mapping[str, Json]) -> Json:
        """Raises MissingValue, or EvaluationError for any other fault."""
        return self.render_in(_Rendering(scope))

    def render_in(self, rendering: _Rendering) -> Json:
        first = self.pieces[0]
        if self.is_single and isinstance(first, Expression):
            return rendering.value(first)
        written: list[str] = []
        for piece in self.pieces:
            written.append(piece if isinstance(piece, str) else rendering.text(piece))
            rendering.spend(_bytes(written[-1]))
        return "".join(written)


def parse_template(text: str) -> Template | None:
    """The template in a text, None if it holds no `{{`. Raises ExpressionError."""
    return _template(text) if "{{" in text else None


@lru_cache(maxsize=1024)
def _template(text: str) -> Template:
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise ExpressionError(f"a text with {{{{ }}}} of {len(text):,} characters; at most {MAX_TEMPLATE_CHARACTERS:,}")
    pieces: list[str | Expression] = []
    position = 0
    while (opening := text.find("{{", position)) >= 0:
        syntax, end = read_expression(text, opening + 2, braced=True)
        pieces += [text[position:opening], known_expression(syntax)]
        position = end
        if len(pieces) > 2 * MAX_TEMPLATE_EXPRESSIONS:
            raise ExpressionError(f"a text with more than {MAX_TEMPLATE_EXPRESSIONS} expressions; split it over steps")
    kept = tuple(piece for piece in (*pieces, text[position:]) if piece != "")
    found = [reference for piece in kept if isinstance(piece, Expression) for reference in piece.references]
    return Template(kept, tuple(dict.fromkeys(found)))


def render(value: Json, scope: Mapping[str, Json]) -> Json:
    """The value with every text inside it rendered; keys stay as they are. Without any `{{` it is the value itself.

    Raises MissingValue, EvaluationError, or ExpressionError for a text that was never parsed before.
    """
    return _rendered(value, _Rendering(scope), 0) if _has_template(value, 0) else value


def _has_template(value: Json, depth: int) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if not isinstance(value, dict | list):
        return False
    _check_depth(depth)
    items = value.values() if isinstance(value, dict) else value
    return any(_has_template(item, depth + 1) for item in items)


def _rendered(value: Json, rendering: _Rendering, depth: int) -> Json:
    _check_depth(depth)
    if isinstance(value, dict):
        rendering.spend(2 + sum(_bytes(key) + 3 for key in value))
        return {key: _rendered(item, rendering, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        rendering.spend(2)
        return [_rendered(item, rendering, depth + 1) for item in value]
    if not isinstance(value, str):
        return value
    if template := parse_template(value):
        return template.render_in(rendering)
    rendering.spend(_bytes(value) + 2)
    return value


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise EvaluationError(f"a value nested deeper than {MAX_DEPTH} levels; flatten it")


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def templates_in(value: Json) -> Iterator[tuple[str, str]]:
    """Each text that holds `{{`, after its path: `url`, `headers.X-A`, `items[2].name`; in the order of the value."""
    stack: list[tuple[Trail, Json]] = [(None, value)]
    while stack:
        trail, item = stack.pop()
        if isinstance(item, str):
            if "{{" in item:
                yield path_of(trail), item
        elif isinstance(item, dict):
            stack.extend(((trail, key), child) for key, child in reversed(item.items()))
        elif isinstance(item, list):
            stack.extend(((trail, index), item[index]) for index in reversed(range(len(item))))
