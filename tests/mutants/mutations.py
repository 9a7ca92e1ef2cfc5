"""What can be made wrong in a module: every mutation of its syntax tree, one at a time."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_OPPOSITE = {"min": "max", "max": "min", "any": "all", "all": "any", "argmin": "argmax", "argmax": "argmin"}
_LIBRARIES = {"np", "ndimage", "math", "stats", "torch", "pd", "F"}
# Without these a value is of another type, or nothing runs at all: either says little about tests.
_CASTS = {
    "float",
    "bool",
    "str",
    "list",
    "tuple",
    "asarray",
    "array",
    "to_numpy",
    "tolist",
    "items",
    "zip",
    "enumerate",
}
_CASTS |= {"int", "range", "len", "cast", "Path", "super"}
_SYMMETRIC = {"min", "max", "isin", "zip", "logaddexp", "maximum", "minimum"}
_REMOVABLE = (ast.Expr, ast.AugAssign, ast.Raise, ast.Return, ast.Continue, ast.Break, ast.Assign)

# Types, and what is said in words: no result depends on them. A `raise` is removed as a whole.
_LEFT_ALONE = {"annotation", "returns", "decorator_list", "format_spec", "exc", "cause", "ctx"}


@dataclass(frozen=True)
class Mutation:
    """One change of a module.

    Attributes
    ----------
    function : str
        Name of the function or class it is in, with that around it; empty outside of all.
    line : int
        Of the statement, from 1.
    lines : range
        Those of the statement: who passes through one of them may notice the change.
    runs_at_import : bool
        Whether the statement runs as the module is imported.
    before, after : str
        What stood in the code, and what stands there instead.
    around : str
        Code of the function that it is in, or of the statement where that runs as the module is imported: as long
        as this is the same, so is the mutant.
    """

    function: str
    line: int
    lines: range
    runs_at_import: bool
    before: str
    after: str
    around: str

    @property
    def name(self) -> str:
        """The change in words that stay the same where lines are moved."""
        return f"{self.function or 'module'}: {self.before} → {self.after}"


@dataclass(frozen=True)
class _Place:
    """Where a node hangs in its tree, and what is around it."""

    holder: ast.AST
    field: str
    index: int | None
    function: str
    statement: ast.stmt
    runs_at_import: bool

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.holder, self.field, node)
        else:
            getattr(self.holder, self.field)[self.index] = node


def mutants(source: str) -> Iterator[tuple[Mutation, ast.Module]]:
    """Yield every mutation of a module with its tree, which is good until the next one is asked for."""
    tree = ast.parse(source)
    pieces = _pieces(source)
    for place, node in list(_places(tree)):
        for other in _alternatives(node, place):
            around = pieces[(place.statement.lineno,) if place.runs_at_import else place.function]
            place.put(ast.fix_missing_locations(ast.copy_location(other, node)))
            yield _described(place, node, other, around), tree
        place.put(node)


def _pieces(source: str) -> dict[str | tuple[int], str]:
    """Return a module's functions by name, and its statements by line, as text without docstrings.

    It stays the same where a function moves, and where a comment or a line break changes.
    """
    tree = ast.parse(source)
    lines = {id(node): node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)}
    pieces: dict[str | tuple[int], str] = {}
    for place, node in _places(_Bare().visit(tree)):
        if not isinstance(node, ast.stmt):
            continue
        if isinstance(node, ast.FunctionDef):
            pieces[f"{place.function}.{node.name}".strip(".")] = ast.dump(node)
        pieces[(lines[id(node)],)] = ast.dump(node)
    return pieces


class _Bare(ast.NodeTransformer):
    """Takes out what no mutation changes."""

    def visit_Import(self, node: ast.Import) -> None:
        return

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else node


def _described(place: _Place, node: ast.AST, other: ast.AST, around: str) -> Mutation:
    statement = place.statement
    body = getattr(statement, "body", None)
    stop = body[0].lineno if body else (statement.end_lineno or statement.lineno) + 1
    return Mutation(
        function=place.function,
        line=statement.lineno,
        lines=range(statement.lineno, max(stop, statement.lineno + 1)),
        runs_at_import=place.runs_at_import,
        before=_text(node),
        after=_text(other),
        around=around,
    )


def _text(node: ast.AST) -> str:
    return "nothing" if isinstance(node, ast.Pass) else " ".join(ast.unparse(node).split())


def _places(tree: ast.Module) -> Iterator[tuple[_Place, ast.AST]]:
    """Yield every node that may be changed."""

    def walk(
        node: ast.AST, function: str, statement: ast.stmt, at_import: bool
    ) -> Iterator[tuple[_Place, ast.AST]]:
        for field, value in ast.iter_fields(node):
            if field in _LEFT_ALONE:
                continue
            inner = at_import and not (isinstance(node, ast.FunctionDef) and field == "body")
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST):
                    continue
                own = child if isinstance(child, ast.stmt) else statement
                place = _Place(node, field, index if isinstance(value, list) else None, function, own, inner)
                yield place, child
                name = getattr(child, "name", "") if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else ""
                yield from walk(child, f"{function}.{name}".strip("."), own, inner)

    yield from walk(tree, "", tree.body[0], True)


def _alternatives(node: ast.AST, place: _Place) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node."""
    if isinstance(node, _REMOVABLE) and _counts(node, place):
        yield ast.Pass()
    if place.field in ("test", "ifs") and not isinstance(place.holder, (ast.While, ast.Assert)):
        yield ast.UnaryOp(ast.Not(), node)  # type: ignore[arg-type]
    match node:
        case ast.Compare():
            yield from (_with(node, ops=ops) for ops in _swapped(node.ops, _COMPARED))
        case ast.BinOp() if type(node.op) in _COMPUTED:
            yield _with(node, op=_COMPUTED[type(node.op)]())
        case ast.AugAssign() if type(node.op) in _COMPUTED:
            yield _with(node, op=_COMPUTED[type(node.op)]())
        case ast.BoolOp():
            yield _with(node, op=ast.And() if isinstance(node.op, ast.Or) else ast.Or())
        case ast.UnaryOp():
            yield node.operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=float() as value):
            yield ast.Constant(0.9 * value if value else 1.0)
        case ast.Call():
            yield from _calls(node)


def _counts(node: ast.stmt, place: _Place) -> bool:
    """Tell whether a statement may be left out: no docstring, no variable's assignment, no last `return`."""
    match node:
        case ast.Expr():
            return isinstance(node.value, ast.Call)
        case ast.Assign():
            return isinstance(node.targets[0], (ast.Subscript, ast.Attribute))
        case ast.Return():
            return isinstance(place.holder, (ast.If, ast.For, ast.While))
    return True


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """Yield a call left out, with its opposite, with two arguments swapped, and without each keyword."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name in ("UserError", "Field"):
        return
    own = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(own, ast.Name) and own.id in _LIBRARIES:
        own = None
    left = own or next((one for one in node.args if not isinstance(one, ast.Starred)), None)
    if left and name not in _CASTS:
        yield left
    if name in _OPPOSITE:
        func = deepcopy(node.func)
        setattr(func, "attr" if isinstance(func, ast.Attribute) else "id", _OPPOSITE[name])
        yield _with(node, func=func)
    if len(node.args) > 1 and name not in _SYMMETRIC and ast.dump(node.args[0]) != ast.dump(node.args[1]):
        yield _with(node, args=[node.args[1], node.args[0], *node.args[2:]])
    for index, keyword in enumerate(node.keywords):
        if keyword.arg:
            yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])


def _swapped(ops: list[ast.cmpop], table: dict[type[ast.cmpop], type[ast.cmpop]]) -> Iterator[list[ast.cmpop]]:
    for index, op in enumerate(ops):
        yield [*ops[:index], table[type(op)](), *ops[index + 1 :]]


def _with(node: ast.AST, **changes: object) -> ast.AST:
    """Return a node with some fields changed; the others are the same objects."""
    fields = dict(ast.iter_fields(node)) | changes
    return ast.copy_location(type(node)(**fields), node)
