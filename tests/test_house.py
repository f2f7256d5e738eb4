"""The rules of the house, executable: who may import whom, what the core may not touch, how large a room."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60

PURE_LIBRARIES = {
    *("__future__", "typing", "enum", "collections", "bisect", "math", "msgspec", "dataclasses"),
    *("functools", "itertools", "heapq", "operator", "abc"),
}
WORDS = tuple(
    f"mm.core.{room}" for room in ("units", "grid", "memory", "events", "actions", "strategy", "picture")
)
# floor -> what of this project it may import (prefixes); None: anything
FLOORS: dict[str, tuple[str, ...] | None] = {
    "mm.core": ("mm.core",),
    "strategies": ("mm.core.strategy", "mm.core.units", "strategies"),
    "mm.kalshi": (*WORDS, "mm.kalshi"),
    "mm.sim": ("mm.sim",),
    "mm.observe": (*WORDS, "mm.observe", "mm.alerts", "mm.__version__"),
    "mm.alerts": (*WORDS, "mm.alerts", *(f"mm.observe.{room}" for room in ("files", "append", "replace"))),
    "mm.sources": (*WORDS, "mm.sources"),
    "mm.config": ("mm.core.settings", *WORDS, "mm.config", "mm.__version__"),
    "mm.drivers": ("mm.core", "mm.drivers", "mm.observe.journal", "mm.kalshi", "mm.sim"),
    "mm.cli": None,
    "mm.app": None,
    "mm.__main__": None,
    "mm": (),
}
# inside the core: one idea a floor, each may import only floors to its left
CORE_ORDER = (
    {"units"},
    {"grid", "kinds", "parts", "memory", "days", "position"},
    {"settings"},
    {"events"},
    {"actions", "strategy"},
    {"picture", "book", "order", "fees", "ledger", "calls", "cycles", "drift", "hours", "trouble"},
    {"orders", "market", "measures", "retired"},
    {"exposure", "diff", "breaker_rows", "upkeep", "shares"},
    {"breaker"},
    {"risk", "knowledge"},
    {"desk", "continuity", "modes"},
    {"execution", "photographer", "reconcile", "retirement", "retreat"},
    {"flatten"},
    {"watch", "ending", "recess", "contradiction", "lateness"},
    {"operators"},
    {"engine"},
)
FORBIDDEN_IN_PURE = {
    *("time", "datetime", "random", "secrets", "uuid", "os", "sys", "io", "pathlib", "socket", "asyncio"),
    *("threading", "multiprocessing", "subprocess", "logging", "structlog", "requests", "websockets"),
}
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "hash", "id"}


def modules(*patterns: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(path for pattern in patterns for path in ROOT.glob(pattern)):
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield dotted.removesuffix(".__init__"), path


MODULES = list(modules("mm/**/*.py", "strategies/*.py"))
ROOMS = [*MODULES, *modules("tests/**/*.py", "bench/**/*.py")]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def floor_of(module: str) -> str:
    return max((floor for floor in FLOORS if is_under(module, floor)), key=len)


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_each_room_imports_only_floors_it_may(module: str, path: Path) -> None:
    allowed = FLOORS[floor_of(module)]
    ours = [name for name in imports(path) if is_under(name, "mm") or is_under(name, "strategies")]
    if allowed is not None:
        strangers = [name for name in ours if not any(is_under(name, prefix) for prefix in allowed)]
        assert not strangers, f"{module} must not import {strangers}"
    if floor_of(module) not in {"mm.cli", "mm.app", "mm.__main__"}:
        roof = [name for name in ours if any(is_under(name, top) for top in ("mm.app", "mm.cli"))]
        assert not roof, f"nobody imports the composition root: {roof}"


@pytest.mark.parametrize(
    ("module", "path"),
    [(name, path) for name, path in MODULES if is_under(name, "mm.core") or is_under(name, "strategies")],
)
def test_the_core_and_the_strategies_are_pure(module: str, path: Path) -> None:
    libraries = {name.split(".")[0] for name in imports(path)} - {"mm", "strategies"}
    allowed = PURE_LIBRARIES | ({"numpy", "scipy"} if is_under(module, "strategies") else set())
    assert libraries <= allowed, f"{module} imports {sorted(libraries - allowed)}"
    assert not libraries & FORBIDDEN_IN_PURE
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"{module}:{node.lineno} calls {node.func.id}()"
        assert not isinstance(node, (ast.AsyncFunctionDef, ast.Await)), f"{module}:{node.lineno} waits"


def test_inside_the_core_imports_point_downwards() -> None:
    level = {room: depth for depth, rooms in enumerate(CORE_ORDER) for room in rooms}
    for module, path in MODULES:
        if not module.startswith("mm.core."):
            continue
        room = module.removeprefix("mm.core.")
        assert room in level, f"{module}: say in CORE_ORDER on which floor it stands"
        for name in imports(path):
            if name.startswith("mm.core."):
                other = name.split(".")[2]
                assert level[other] < level[room], f"{module} must not import mm.core.{other}"


@pytest.mark.parametrize(("module", "path"), ROOMS, ids=[name for name, _ in ROOMS])
def test_rooms_stay_small_and_say_what_they_are_for(module: str, path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MAX_FILE_LINES, f"{module}: a concept is missing, name it"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{module}.{node.name} has {length} lines"
    if tree.body:
        assert ast.get_docstring(tree), f"{module} does not say what this room is for"


# What only watches can be told of, left out and done without; what decides or sends cannot.
CARRY_ON = {"mm.app.audience"}


@pytest.mark.parametrize(("module", "path"), [(name, path) for name, path in MODULES if name not in CARRY_ON])
def test_nothing_carries_on_after_an_unknown_error(module: str, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = ast.unparse(node.type) if node.type else "everything"
            broad = re.search(r"\b(Exception|BaseException|everything)\b", caught)
            re_raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            assert not broad or re_raises, f"{module}:{node.lineno} swallows {caught}"
