"""The house stands as its plan says: what a reader relies on and an import graph cannot see."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from user360 import datatypes, errors, insights, operators, schema

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "user360"
NAME_PLATES = HOUSE / "README.md"

TOP_LEVEL = {"app.py", "pages", "user360", "data", "tests", "requirements.txt", "README.md"}
SCREENS = sorted((ROOT / "pages").rglob("*.py"))
ROOMS = sorted(HOUSE.rglob("*.py"))
WITHOUT_SQL = sorted(
    [ROOT / "app.py", *SCREENS, *(HOUSE / "api").glob("*.py"), *(HOUSE / "collect").glob("*.py")]
    + [HOUSE / f"{each}.py" for each in ("web", "doors", "jobs", "cli", "__main__") if (HOUSE / f"{each}.py").exists()]
    + [HOUSE / f"{each}.py" for each in ("imports", "exports", "demo") if (HOUSE / f"{each}.py").exists()]
)
SHELVES = {"datatypes", "insights"}

# Rooms that spell a table of another room, each with its reason.
GUESTS = {
    ("properties", "profiles"): "a property is a column of the wide table: to define one is to add it, its statistics count it",
    ("properties", "profile_tags"): "the property tags is kept aside, and has statistics like every other",
    ("properties", "tags"): "the same",
    ("events", "user_ids"): "the stream names the users of the rows it shows within one query",
    ("events", "counters"): "how much of a week is in order is told beside the number of its events",
    ("segments", "profiles"): "a leaf of a rule is a question to the wide table",
    ("segments", "profile_tags"): "a leaf about tags is a question to the table of tags",
    ("segments", "tags"): "the same",
    ("segments", "events"): "a leaf of a rule is a question to the events",
    ("insights", "events"): "an insight is a question to the events",
    ("insights", "channels"): "the same, and names the channels of the events it counts",
    ("insights", "profiles"): "an insight of people is a question to the wide table",
    ("attempts", "events"): "an attempt at the steps of a funnel is made of events",
    ("binning", "profiles"): "two properties of everybody are read in one go",
    ("moments", "events"): "a session is made of events",
    ("moments", "channels"): "the events of a session are put in order by their channels too",
    ("days", "events"): "what each day comes to is read as the question that asks for it wants events, within one query",
    ("marks", "events"): "how many events there are says how their people are counted soonest",
    ("marks", "channels"): "an insight names the channels of the events it counts within one query",
    ("marks", "profiles"): "a breakdown is by a property of the people whose events are counted",
    ("marks", "profile_tags"): "the same, of tags",
    ("marks", "tags"): "the same",
}

# Rooms that make tables, of whomever they are.
MAKERS = {"schema", "steps"}

LONGEST_FUNCTION = 60
LONGEST_MODULE = 400

# The start of a statement, in the capitals the house writes SQL in.
STATEMENT = re.compile(
    r"(?m)^\s*\(?(SELECT\s|WITH\s+\w+\s+AS\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|MERGE\s+INTO\s|COPY\s|"
    r"(CREATE|ALTER|DROP)\s+(OR\s+REPLACE\s+)?(TABLE|VIEW|INDEX|TEMP)|PRAGMA\s|ATTACH\s|CHECKPOINT)"
)


def room_of(path):
    return path.stem if path.parent == HOUSE else path.parent.name


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@cache
def tree(path):
    return ast.parse(path.read_text("utf-8"), str(path))


def text_of(node):
    """The constant text of an expression: a literal, or the constant parts of an f-string or a sum."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return " ".join(text_of(part) for part in node.values)
    return ""


def texts(path):
    """Every text a module writes, with its line; its docstrings, which are prose, left out."""
    prose: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            prose.update(id(each.value) for each in node.body if isinstance(each, ast.Expr))
    written = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in prose)
    return [(node.lineno, text_of(node)) for node in written]


def run(*command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


# -- what tools see --------------------------------------------------------------------------------


def test_every_contract_is_kept():
    status, told = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")

    assert status == 0, told


def test_ruff_finds_nothing():
    status, told = run(sys.executable, "-m", "ruff", "check", "--no-cache", ".")

    assert status == 0, told


def test_every_file_is_formatted():
    status, told = run(sys.executable, "-m", "ruff", "format", "--check", "--no-cache", ".")

    assert status == 0, told


def test_every_line_is_typed():
    status, told = run(sys.executable, "-m", "mypy")

    assert status == 0, told


# -- floors ----------------------------------------------------------------------------------------


def test_the_domain_runs_where_no_screen_is_installed():
    """Every room is imported, and a store used, in a process to which the libraries of screens do not exist."""
    rooms = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOMS if path.name != "__main__.py"]
    program = "\n".join(
        [
            "import importlib, sys",
            "class Absent:",
            "    def find_spec(self, name, path=None, target=None):",
            "        if name.split('.')[0] in ('streamlit', 'plotly', 'pandas', 'pages'): raise ModuleNotFoundError(name)",
            "sys.meta_path.insert(0, Absent())",
            f"for room in {[room.removesuffix('.__init__') for room in rooms]!r}: importlib.import_module(room)",
            "from user360 import profiles, store",
            "print(profiles.count(store.open_store()))",
        ]
    )

    status, told = run(sys.executable, "-c", program)

    assert (status, told.strip()) == (0, "0")


@pytest.mark.parametrize("path", WITHOUT_SQL, ids=names(WITHOUT_SQL))
def test_pages_doors_and_flows_hold_no_sql(path):
    assert [(line, text) for line, text in texts(path) if STATEMENT.search(text)] == []


def test_pages_and_doors_build_no_queries():
    builders = {"user360.sql"}
    guilty = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in WITHOUT_SQL
        for node in ast.walk(tree(path))
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module in builders or "sql" in {a.name for a in node.names if node.module == "user360"})
        )
        or (isinstance(node, ast.Import) and builders & {alias.name for alias in node.names})
    ]

    assert guilty == []


@pytest.mark.parametrize("path", [room for room in ROOMS if room.name != "sql.py"], ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_query_is_a_constant_template(path):
    """`sql(...)` takes a text known when the program was written; what a person gave can only be a part."""
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and node.args and builds_a_query(node.func)]

    assert [node.lineno for node in calls if not constant(node.args[0])] == []


def builds_a_query(function):
    """Whether a call is one of `sql(...)` or `sql.sql(...)`."""
    if isinstance(function, ast.Attribute):
        return function.attr == "sql" and isinstance(function.value, ast.Name) and function.value.id == "sql"
    return isinstance(function, ast.Name) and function.id == "sql"


def constant(node):
    """Whether an expression is fixed when the program is written: a literal, a sum or choice of them, or a constant's name."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return constant(node.left) and constant(node.right)
    if isinstance(node, ast.IfExp):
        return constant(node.body) and constant(node.orelse)
    return isinstance(node, ast.Name) and node.id.isupper()


# -- tables ----------------------------------------------------------------------------------------


def owners():
    """Which room owns which table, as the docstring of `schema.py` says."""
    rows = re.findall(r"(?m)^\| ([a-z_, ]+) \| (\w+) \|$", schema.__doc__ or "")
    return {table.strip(): owner for tables, owner in rows for table in tables.split(",") if table.strip() != "table"}


def tables_spelled(text):
    """The tables a statement names: what stands after FROM, JOIN, INTO, UPDATE or TABLE."""
    return set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE(?: IF (?:NOT )?EXISTS)?)\s+([a-z_]+)\b(?!\s*\()", text))


def test_every_table_has_an_owner():
    made = {name for statement in schema.tables() for name in re.findall(r"CREATE TABLE ([a-z_]+)", statement.text)}

    assert sorted(owners()) == sorted(made)


def tables_of_others(path):
    """The tables of other rooms a room spells, with the lines."""
    room = room_of(path)
    others = {table for table, owner in owners().items() if owner != room}
    return {(table, line) for line, text in texts(path) for table in tables_spelled(text) & others}


@pytest.mark.parametrize(
    "path", [room for room in ROOMS if room_of(room) not in MAKERS], ids=lambda path: str(path.relative_to(HOUSE))
)
def test_a_table_is_spelled_by_its_owner_alone(path):
    uninvited = {(table, line) for table, line in tables_of_others(path) if (room_of(path), table) not in GUESTS}

    assert uninvited == set(), f"{room_of(path)} reads or writes tables of another room"


def test_every_guest_at_a_table_comes():
    come = {(room_of(path), table) for path in ROOMS if room_of(path) not in MAKERS for table, _ in tables_of_others(path)}

    assert sorted(set(GUESTS) - come) == []


# -- size ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ROOMS + SCREENS, ids=names(ROOMS + SCREENS))
def test_a_module_can_be_held_in_the_head(path):
    functions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}

    assert {name: length for name, length in lines.items() if length > LONGEST_FUNCTION} == {}
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", ROOMS + SCREENS, ids=names(ROOMS + SCREENS))
def test_a_module_says_what_it_is_for(path):
    assert (ast.get_docstring(tree(path)) or "").strip()


def test_the_top_level_holds_only_the_seven():
    if shutil.which("git") and (ROOT / ".git").exists():
        status, told = run("git", "ls-files", "--cached", "--others", "--exclude-standard")
        assert status == 0, told
        found = {line.split("/")[0].strip('"') for line in told.splitlines()}
    else:
        found = {path.name for path in ROOT.iterdir()}

    assert {name for name in found if not name.startswith(".")} == TOP_LEVEL


def test_the_readme_has_one_command_to_start_and_one_that_tests_which_ci_runs():
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()

    assert [line.endswith("streamlit run app.py") for line in readme].count(True) == 1
    assert [line.endswith("-m pytest") for line in readme].count(True) == 1
    assert "grep -m1 -e '-m pytest$' README.md" in (ROOT / ".ci" / "run").read_text("utf-8")


# -- name-plates -----------------------------------------------------------------------------------


def plates():
    """What `user360/README.md` names: everything between backticks."""
    return set(re.findall(r"`([^`\n]+)`", NAME_PLATES.read_text("utf-8")))


def rooms():
    """Every room by its name within the house. A shelf's own entries have plates of their own kind."""
    standing = (path for path in ROOMS if path.parent.name not in SHELVES or path.name == "__init__.py")
    inside = {".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__") for path in standing}
    return sorted(inside - {"__init__"})


@pytest.mark.parametrize("room", rooms())
def test_every_room_has_a_name_plate(room):
    assert room in plates()


@pytest.mark.parametrize("datatype", datatypes.every(), ids=lambda each: each.name)
def test_every_data_type_has_a_name_plate(datatype):
    assert datatype.name in plates()


@pytest.mark.parametrize("kind", insights.every(), ids=lambda each: each.kind)
def test_every_insight_has_a_name_plate(kind):
    assert kind.kind in plates()


def test_every_operator_has_a_name_plate():
    every = {operator.key for datatype in datatypes.every() for operator in operators.of(datatype)}

    assert sorted(every - plates()) == []


@pytest.mark.parametrize("refusal", [name for name, each in vars(errors).items() if isinstance(each, type)])
def test_every_refusal_has_a_name_plate(refusal):
    assert refusal in plates()


def test_every_name_plate_of_a_room_hangs_on_a_room():
    """The floor plan's own column of rooms names none that is gone."""
    plan = re.findall(r"(?m)^\| \d? ?\w* *\| `([\w.]+)` \|", NAME_PLATES.read_text("utf-8"))

    assert sorted(set(plan) - set(rooms())) == []
