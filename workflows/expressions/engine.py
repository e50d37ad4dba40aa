"""CEL behind one door: the only module that imports it, with every loop off and every size bounded."""

import operator
from collections.abc import Callable, Mapping

from cel_expr_python import cel

from workflows.documents import Json
from workflows.expressions import functions
from workflows.expressions.faults import EngineError, compile_fault, evaluation_fault, without_status
from workflows.expressions.patterns import check_pattern
from workflows.expressions.values import as_json, check_values

MAX_VARIABLES = 101
_BOOL, _INT, _UINT, _DOUBLE = cel.Type.BOOL, cel.Type.INT, cel.Type.UINT, cel.Type.DOUBLE
_TEXT, _LIST, _DYN = cel.Type.STRING, cel.Type.LIST, cel.Type.DYN
_TIME, _DURATION = cel.Type.TIMESTAMP, cel.Type.DURATION
_INCLUDED = (
    *("_%_", "-_", "!_", "_&&_", "_||_", "@in", "_[_]", "@not_strictly_false", "contains", "startsWith", "endsWith"),
    *("size", "int", "uint", "double", "string", "bool", "dyn", "type", "timestamp", "duration"),
)
_NUMBERS = (_INT, _UINT, _DOUBLE)


class Program:
    """A compiled expression; safe to share between threads."""

    def __init__(self, source: str) -> None:
        try:
            self._compiled = _ENVIRONMENT.compile(source)
        except RuntimeError as error:
            raise EngineError(compile_fault(str(error))) from error

    def evaluate(self, values: Mapping[str, Json]) -> Json:
        """Raises UnboundError when a value is needed that isn't in `values`, EngineError for any other fault."""
        return as_json(_run(self._compiled, values))


def matches(text: str, pattern: str) -> bool:
    """Whether the RE2 pattern is found anywhere in the text, in bounded time. Raises ValueError with the mend."""
    try:
        check_values([(text, 1), (pattern, 1)])
        check_pattern(pattern, text_bytes=len(text.encode()))
        return bool(_run(_MATCHES, {"r0": text, "r1": pattern}))
    except EngineError as error:
        raise ValueError(str(error)) from error


def _run(compiled: cel.Expression, values: Mapping[str, Json]) -> object:
    try:
        value = compiled.eval(data=values)
        plain = value.plain_value()
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise EngineError(without_status(str(error))) from error
    if value.type() == cel.Type.ERROR:
        raise evaluation_fault(str(plain))
    return plain


def _overload(name: str, result: cel.Type, *parameters: cel.Type, run: Callable[..., object]) -> cel.Overload:
    identity = f"{name}({','.join(parameter.name() for parameter in parameters)})"
    return cel.Overload(identity, return_type=result, parameters=list(parameters), impl=run)


def _builtin(name: str, result: cel.Type, *parameters: cel.Type) -> cel.Overload:
    """An overload that CEL's own runtime performs. A name's overloads are declared all at once, so these too."""
    identity = f"{name}({','.join(parameter.name() for parameter in parameters)})"
    return cel.Overload(identity, return_type=result, parameters=list(parameters))


def _arithmetic(name: str, apply: Callable[[float, float], float], *others: cel.Overload) -> cel.FunctionDecl:
    """JSON has one kind of number, so integers and decimals mix; CEL alone would refuse `60.5 * 2`."""

    def widening(left: float, right: float) -> float:
        return apply(functions.widened(left), functions.widened(right))

    same = [_builtin(name, number, number, number) for number in _NUMBERS]
    mixed = [_overload(name, _DOUBLE, *pair, run=widening) for pair in ((_INT, _DOUBLE), (_DOUBLE, _INT))]
    return cel.FunctionDecl(name, [*same, *mixed, *others])


def _comparison(name: str) -> cel.FunctionDecl:
    numbers = [_builtin(name, _BOOL, left, right) for left in _NUMBERS for right in _NUMBERS]
    others = [_builtin(name, _BOOL, kind, kind) for kind in (_BOOL, _TEXT, _TIME, _DURATION)]
    return cel.FunctionDecl(name, [*numbers, *others])


def _operators() -> list[cel.FunctionDecl]:
    """CEL's operators for values whose type is known when they run: what JSON holds, not what a checker infers."""
    joins = [_builtin("_+_", kind, kind, kind) for kind in (_TEXT, _LIST, _DURATION)]
    later = [_builtin("_+_", _TIME, _TIME, _DURATION), _builtin("_+_", _TIME, _DURATION, _TIME)]
    gaps = [_builtin("_-_", *row) for row in ((_DURATION,) * 3, (_TIME, _TIME, _DURATION), (_DURATION, _TIME, _TIME))]
    return [
        _arithmetic("_+_", operator.add, *joins, *later),
        _arithmetic("_-_", operator.sub, *gaps),
        _arithmetic("_*_", operator.mul),
        _arithmetic("_/_", operator.truediv),
        *(_comparison(name) for name in ("_<_", "_<=_", "_>_", "_>=_")),
        *(cel.FunctionDecl(name, [_builtin(name, _BOOL, _DYN, _DYN)]) for name in ("_==_", "_!=_")),
        cel.FunctionDecl("_?_:_", [_builtin("_?_:_", _DYN, _BOOL, _DYN, _DYN)]),
    ]


def _functions() -> list[cel.FunctionDecl]:
    rows: list[tuple[str, cel.Type, tuple[cel.Type, ...], Callable[..., object]]] = [
        ("lower", _TEXT, (_TEXT,), functions.lower),
        ("upper", _TEXT, (_TEXT,), functions.upper),
        ("trim", _TEXT, (_TEXT,), functions.trim),
        ("replace", _TEXT, (_TEXT, _TEXT, _TEXT), functions.replace),
        ("split", _LIST, (_TEXT, _TEXT), functions.split),
        ("join", _TEXT, (_LIST, _TEXT), functions.join),
        ("sum", _DYN, (_LIST,), functions.total),
    ]
    rounds = [_overload("round", _INT, number, run=run) for number, run in ((_DOUBLE, functions.rounded), (_INT, int))]
    found = cel.Overload("matches", return_type=_BOOL, parameters=[_TEXT, _TEXT], is_member=True, impl=matches)
    singles = [cel.FunctionDecl(name, [_overload(name, kind, *takes, run=run)]) for name, kind, takes, run in rows]
    return [*singles, cel.FunctionDecl("round", rounds), cel.FunctionDecl("boundedMatches", [found])]


def _environment() -> cel.Env:
    names = "".join(f'\n    - name: "{name}"' for name in _INCLUDED)
    macros = "exclude_macros: [map, filter, exists, exists_one, all]"
    config = cel.NewEnvConfigFromYaml(f"name: trilith\nstdlib:\n  {macros}\n  include_functions:{names}\n")
    variables = {f"r{index}": _DYN for index in range(MAX_VARIABLES)}
    probes = {f"h{index}": _BOOL for index in range(MAX_VARIABLES)}
    return cel.NewEnv(config=config, variables=variables | probes, functions=_operators() + _functions())


_ENVIRONMENT = _environment()
_MATCHES = cel.NewEnv(variables={"r0": _TEXT, "r1": _TEXT}).compile("r0.matches(r1)")
