"""The OpenAPI document as a page to read: every call with what it takes, what it answers, and a line of curl.

Whole in itself, for no page here loads anything from elsewhere: no script, and its look stands in it.
The page is built as a tree, so no text of the document can become markup.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOST: Final = "http://localhost:8501"
_DEEPEST: Final = 3
_LOOK: Final = """
:root { color-scheme: light dark; --text: #1B2430; --quiet: #566173; --line: #DFE4EB; --back: #FFFFFF; --card: #F7F9FB;
  --get: #1B7F5C; --post: #2457A6; --put: #A35A0E; --patch: #7A4FA3; --delete: #C2384A; }
@media (prefers-color-scheme: dark) { :root { --text: #E6EAF0; --quiet: #9AA5B4; --line: #2A323E; --back: #12161D; --card: #1C222C;
  --get: #4CB58D; --post: #7FA9DF; --put: #E0A45C; --patch: #B794D6; --delete: #E57A86; } }
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); display: flex; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; width: 280px; flex: none; padding: 16px; font-size: 13px; background: var(--card);
  border-right: 1px solid var(--line); }
nav a { display: flex; color: inherit; text-decoration: none; padding: 2px 6px; border-radius: 4px; overflow-wrap: anywhere; }
nav a:hover, nav a:focus-visible { background: var(--line); }
main { flex: 1; min-width: 0; max-width: 960px; padding: 24px 32px 64px; }
h1 { font-size: 24px; margin: 0 0 8px; } h2 { font-size: 20px; margin: 32px 0 8px; } h3 { font-size: 14px; margin: 16px 0 4px; }
nav h3 { text-transform: capitalize; } h2 { text-transform: capitalize; }
p { margin: 4px 0 8px; } .quiet { color: var(--quiet); }
details { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; }
summary { padding: 8px 12px; cursor: pointer; overflow-wrap: anywhere; }
details[open] > summary { border-bottom: 1px solid var(--line); }
.inside { padding: 4px 12px 12px; scroll-margin-top: 64px; } td:first-child { white-space: nowrap; padding-right: 16px; }
.method { display: inline-block; flex: none; width: 60px; font-weight: 600; font-size: 12px; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .patch { color: var(--patch); }
.delete { color: var(--delete); }
code, pre { font: 12px/1.5 ui-monospace, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; overflow-x: auto; margin: 4px 0; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: 4px 8px 4px 0;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; } th { color: var(--quiet); font-weight: 500; }
@media (max-width: 800px) { body { display: block; } nav { position: static; width: auto; height: auto; } main { padding: 16px; } }
"""


def page(document: Mapping[str, Any]) -> str:
    """The page of a document."""
    root = Element("html", lang="en")
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _add(head, "title", f"{document['info']['title']} – HTTP API")
    _add(head, "style", _LOOK)
    body = SubElement(root, "body")
    calls = _by_tag(document)
    _menu(SubElement(body, "nav"), calls)
    main = SubElement(body, "main")
    _add(main, "h1", f"{document['info']['title']} – HTTP API")
    _add(main, "p", f"Version {document['info']['version']}", kind="quiet")
    _add(main, "p", document["info"]["description"].replace("`", ""))
    link = _add(_add(main, "p", "The same for programs: "), "a", "openapi.json")
    link.set("href", "openapi.json")
    for tag, of_tag in calls.items():
        _add(main, "h2", tag, name=tag)
        for path, method, call in of_tag:
            _call(main, path, method, call, document)
    _add(main, "h2", "Shapes", name="shapes")
    for name, schema in document["components"]["schemas"].items():
        _shape(main, name, schema)
    return "<!doctype html>\n" + tostring(root, "unicode", method="html")


def _by_tag(document: Mapping[str, Any]) -> dict[str, list[tuple[str, str, Mapping[str, Any]]]]:
    found: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method, call in methods.items():
            found.setdefault(call["tags"][0], []).append((path, method, call))
    return found


def _menu(nav: Element, calls: Mapping[str, list[tuple[str, str, Mapping[str, Any]]]]) -> None:
    for tag, of_tag in calls.items():
        _add(nav, "h3", tag)
        for path, method, call in of_tag:
            link = SubElement(nav, "a", href=f"#{call['operationId']}")
            _add(link, "span", method.upper(), kind=f"method {method}")
            _add(link, "span", path.removeprefix("/api"))
    SubElement(_add(nav, "h3", ""), "a", href="#shapes").text = "Shapes"


def _call(main: Element, path: str, method: str, call: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    details = SubElement(main, "details")
    summary = SubElement(details, "summary")
    _add(summary, "span", method.upper(), kind=f"method {method}")
    _add(summary, "code", path)
    _add(summary, "span", f" {call['summary']}", kind="quiet")
    # A browser opens whatever holds the place a link leads to, so the place is inside.
    inside = SubElement(details, "div", {"class": "inside", "id": call["operationId"]})
    _add(inside, "p", call["description"], kind="quiet")
    media, schema = _body(call)
    _fields(inside, "In the address", [(each["name"], each) for each in call["parameters"]])
    needed = schema.get("required", ())
    of_body = [
        (name, {"schema": each, "required": name in needed, **each}) for name, each in schema.get("properties", {}).items()
    ]
    _add(inside, "p", schema.get("description", ""))
    _fields(inside, "In the form" if "form" in media else "In the body, as JSON", of_body)
    _add(inside, "pre", _curl(path, method, call, document))
    _add(inside, "h3", "Answers")
    rows = SubElement(inside, "table")
    for status, answer in call["responses"].items():
        row = SubElement(rows, "tr")
        _add(row, "td", f"{status} {answer['description']}")
        _add(row, "td", ", ".join(_kind(each.get("schema", {})) or media for media, each in answer["content"].items()))


def _fields(inside: Element, title: str, fields: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    if not fields:
        return
    _add(inside, "h3", title)
    rows = SubElement(inside, "table")
    for name, each in fields:
        row = SubElement(rows, "tr")
        _add(_add(row, "td", ""), "code", name)
        _add(row, "td", _kind(each["schema"]) + (" · needed" if each.get("required") is True else ""), kind="quiet")
        _add(row, "td", each.get("description", ""))


def _shape(main: Element, name: str, schema: Mapping[str, Any]) -> None:
    details = SubElement(main, "details")
    _add(SubElement(details, "summary"), "code", name)
    inside = SubElement(details, "div", {"class": "inside", "id": f"shape-{name}"})
    _add(inside, "p", schema.get("description", ""))
    _add(inside, "pre", json.dumps(schema, ensure_ascii=False, indent=2))


def _kind(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: `list of User`, `text`, `number from 1 to 1,000`."""
    if "anyOf" in schema:
        return _kind(schema["anyOf"][0])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "items" in schema.get("properties", {}):
        return f"page of {_kind(schema['properties']['items']['items'])}"
    match schema.get("type"):
        case "array":
            return f"list of {_kind(schema['items'])}"
        case "integer":
            return (
                f"number from {schema.get('minimum', 0):,} to {schema.get('maximum', 0):,}" if "maximum" in schema else "number"
            )
        case "string":
            return {"date-time": "instant", "binary": "file"}.get(schema.get("format", ""), "text")
        case "boolean":
            return "true or false"
        case found:
            return str(found or "")


def _curl(path: str, method: str, call: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    lines = [f"curl -X {method.upper()} '{HOST}{path}'"]
    if call["security"]:
        lines.append("-H 'Authorization: Bearer …'")
    media, schema = _body(call)
    if "form" in media:
        lines += [f"-F '{each}={'@' if of.get('format') == 'binary' else ''}…'" for each, of in schema["properties"].items()]
    elif schema:
        sample = _example(schema, document) or {
            name: _example(each, document) for name, each in schema.get("properties", {}).items() if name in schema["required"]
        }
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(sample, ensure_ascii=False)}'"]
    return " \\\n  ".join(lines)


def _body(call: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for media, each in call.get("requestBody", {}).get("content", {}).items():
        return media, each["schema"]
    return "", {}


def _example(schema: Mapping[str, Any], document: Mapping[str, Any], depth: int = 0) -> Any:
    """Something of that shape."""
    if "$ref" in schema and depth < _DEEPEST:
        return _example(document["components"]["schemas"][_kind(schema)], document, depth + 1)
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "…", "integer": 1, "boolean": True, "array": []}.get(str(schema.get("type")), {})


def _add(parent: Element, tag: str, text: str, *, kind: str = "", name: str = "") -> Element:
    added = SubElement(parent, tag, {each: value for each, value in (("class", kind), ("id", name)) if value})
    added.text = text
    return added
