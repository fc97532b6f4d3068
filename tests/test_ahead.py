"""When the server starts, what pages need is read: no visitor waits for a module."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOLD = """
import ast, json, sys
from pathlib import Path
from pages.ui import ahead

before = set(sys.modules)
ahead.read()
known = set(sys.modules)
scripts = sorted(Path("pages").glob("*.py"))
for script in scripts:
    wanted = [each for each in ast.parse(script.read_text("utf-8")).body if isinstance(each, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(wanted, []), str(script), "exec"), {})
print(json.dumps([len(scripts), sorted(known - before), sorted(set(sys.modules) - known)]))
"""


def test_what_any_page_imports_is_there_once_the_server_is_ready():
    done = subprocess.run([sys.executable, "-c", TOLD], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    pages, read, late = json.loads(done.stdout.splitlines()[-1])

    assert pages > 20
    assert "pages.ui.insights.pictures" in read
    assert "pages.ui.main" not in read  # it would draw a page
    assert late == []
