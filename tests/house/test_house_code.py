"""The house rules that a machine can check: sizes, names, and that everything says what it is."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from tests.house.house import Function, Source, breaking, exemptions, lines_of, sources

RULES = (
    "banned-name",
    "class-length",
    "file-length",
    "function-length",
    "module-docstring",
    "parameters",
    "test-docstring",
    "test-name",
)
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "core"}
MAX_FILE, MAX_CLASS, MAX_FUNCTION, MAX_PARAMETERS = 400, 250, 50, 5
LEFTOVERS = ("TO" + "DO", "FIX" + "ME", "X" + "XX")


def functions() -> Iterator[tuple[str, Function]]:
    """Every function with its place."""
    for source in sources():
        for name, node in source.definitions():
            if isinstance(node, Function):
                yield f"{source.name}:{name}", node


def stories() -> Iterator[tuple[Source, str, Function]]:
    """Every test function."""
    for source in sources():
        if source.is_test:
            for name, node in source.definitions():
                if isinstance(node, Function) and node.name.startswith("test_"):
                    yield source, name, node


def test_a_file_has_four_hundred_lines_at_most() -> None:
    """Longer ones hold two things."""
    long = (one.name for one in sources() if len(one.text.splitlines()) > MAX_FILE)

    assert breaking("file-length", long) == []


def test_a_function_has_fifty_lines_at_most() -> None:
    """Half of them have fewer than ten."""
    long = (place for place, node in functions() if lines_of(node) > MAX_FUNCTION)

    assert breaking("function-length", long) == []


def test_half_of_the_functions_have_fewer_than_ten_lines() -> None:
    """Of the product; what is short needs no explanation."""
    lengths = sorted(lines_of(node) for place, node in functions() if place.startswith("src/"))

    assert lengths[len(lengths) // 2] < 10


def test_a_class_has_two_hundred_and_fifty_lines_at_most() -> None:
    """One thing, one class."""
    long = (
        f"{source.name}:{name}"
        for source in sources()
        for name, node in source.definitions()
        if isinstance(node, ast.ClassDef) and lines_of(node) > MAX_CLASS
    )

    assert breaking("class-length", long) == []


def parameters_of(node: Function) -> int:
    """How many parameters a function has, its own object aside."""
    arguments = node.args
    names = [*arguments.posonlyargs, *arguments.args]
    own = bool(names) and names[0].arg in ("self", "cls")
    return len(names) - own + len(arguments.kwonlyargs)


def test_a_function_has_five_parameters_at_most() -> None:
    """With six, some of them are a value that has no name yet. A test's are its fixtures."""
    many = (
        place
        for place, node in functions()
        if parameters_of(node) > MAX_PARAMETERS and not node.name.startswith("test_")
    )

    assert breaking("parameters", many) == []


def test_a_module_is_named_after_what_is_in_it() -> None:
    """`utils` says nothing."""
    bad = (
        one.name
        for one in sources()
        if BANNED & {one.path.stem, one.path.parent.name, *one.path.stem.split("_")}
    )

    assert breaking("banned-name", bad) == []


def test_every_module_opens_with_what_a_newcomer_needs() -> None:
    """A docstring, also in a package's own file."""
    silent = (one.name for one in sources() if not ast.get_docstring(one.tree))

    assert breaking("module-docstring", silent) == []


def test_a_package_is_a_docstring_and_nothing_else() -> None:
    """What is re-exported drags its imports into every importer."""
    full = [
        one.name for one in sources() if one.path.name == "__init__.py" and len(one.tree.body) > 1
    ]

    assert full == []


def test_every_test_says_its_point_in_a_line() -> None:
    """The name is the sentence, the docstring the second one."""
    silent = (
        f"{source.name}:{name}" for source, name, node in stories() if not ast.get_docstring(node)
    )

    assert breaking("test-docstring", silent) == []


def test_a_test_is_named_once() -> None:
    """A failure is found by its name alone; modules too, for pytest imports them by it."""
    names = Counter(node.name for _, name, node in stories() if "." not in name)
    modules = Counter(one.path.name for one in sources() if one.is_test)
    twice = [name for name, count in (names + modules).items() if count > 1]

    assert breaking("test-name", twice) == []


def test_nothing_is_left_for_later() -> None:
    """What is missing is written where work is planned, not in the code."""
    left = [
        f"{one.name}:{number}"
        for one in sources()
        for number, line in enumerate(one.text.splitlines(), 1)
        if any(word in line for word in LEFTOVERS)
    ]

    assert left == []


def test_the_median_file_fits_on_a_few_screens() -> None:
    """Of the product."""
    lengths = sorted(len(one.text.splitlines()) for one in sources() if one.name.startswith("src/"))

    assert lengths[len(lengths) // 2] <= 120


def test_an_exemption_is_from_a_rule_that_there_is() -> None:
    """And stands in order, once."""
    lines = exemptions()

    assert [rule for rule, _ in lines if rule not in RULES] == []
    assert list(lines) == sorted(set(lines))
