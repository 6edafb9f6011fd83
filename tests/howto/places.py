"""Counts the places that a patch touches: rows of tables, functions with their declarations, classes.

A place is, outside tests/ and docs/: a row of a table (a .def row, a line of braces in a constant), a
function (its declaration goes with it), a new class (its members go with it), a data member, or a
line of a file of another kind. Includes, comments and blank lines are none. The scanner knows the
format of this tree (clang-format, Google style), not C++.
"""
import re

SKIPPED = ("tests/", "docs/")
KEYWORDS = ("if", "for", "while", "switch", "return", "sizeof", "static_assert", "requires", "catch")


def changed_lines(patch):
    """{path: [(line number after the patch, text)]}; a line taken out counts where it stood."""
    files, path, at = {}, None, 0
    for line in patch.split("\n"):
        if line.startswith("+++ "):
            path = None if line[4:] == "/dev/null" else line[6:]
        elif line.startswith("@@"):
            at = int(re.search(r"\+(\d+)", line).group(1))
        elif path is None or line.startswith(("---", "diff ", "index ", "new file")):
            continue
        elif line.startswith("+"):
            files.setdefault(path, []).append((at, line[1:]))
            at += 1
        elif line.startswith("-"):
            files.setdefault(path, []).append((at, line[1:]))
        elif line.startswith(" "):
            at += 1
    return {p: lines for p, lines in files.items() if not p.startswith(SKIPPED) and not p.endswith(".md")}


def is_code(text):
    text = text.split("//")[0].strip()
    return bool(text) and not text.startswith("#") and not re.fullmatch(r"[{}();,]*", text)


def without_text(line):
    """A line without strings, characters and comments, so that its braces are code."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return re.sub(r"'(\\.|[^'\\])'", "''", line).split("//")[0]


def signature(head, classes):
    """The name of the function that `head` declares, with its first parameter's type; or None."""
    head = re.sub(r"\[\[\w+\]\]|template <[^>]*>", " ", head)
    found = re.search(r"([A-Za-z_~][\w:~]*(?:<[\w:]+>)?)\s*\(([^,()]*)", head)
    if not found or found.group(1) in KEYWORDS or "=" in head[: found.start()]:
        return None
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"\bconst\b|\bstd::|\bisa::", " ", found.group(2)))
    first = words[0] if words else ""
    name = "::".join([*classes, found.group(1)]) if "::" not in found.group(1) else found.group(1)
    return f"{name}({first})"


def owner_of_block(head, scopes):
    """What a block that begins with this head is: (kind, name)."""
    kind = re.search(r"\b(?:class|struct|union)\s+(\w+)[^;()]*$", head)
    classes = [name for k, name in scopes if k == "class"]
    if re.search(r"\bnamespace\b", head):
        return ("namespace", "")
    if re.search(r"\benum\b", head):
        return ("table", head.split("{")[0].strip())
    if kind and "(" not in head:
        return ("class", kind.group(1))
    if "=" in head and "(" not in head.split("=")[0]:
        return ("table", head.split("=")[0].strip().split()[-1])
    name = signature(head, classes)
    return ("function", name) if name else ("table", head.strip()[:40])


def owners(lines):
    """For each line of a file: (kind, name) of the innermost thing outside functions' bodies."""
    scopes, head, found, last = [], "", [], None
    for line in lines:
        code = "" if line.startswith("#") else without_text(line)
        first = None
        outer = next(((k, n) for k, n in scopes if k in ("function", "table")), None)
        for char in code:
            if char == "{":
                goes_on = last and re.match(r"\s*(,|$)", head)  # a constructor's initialisers
                block = last if goes_on else owner_of_block(head, scopes)
                scopes.append(block if outer is None else ("inner", ""))
                if outer is None and scopes[-1][0] == "class":
                    first = first or ("class", "::".join(n for k, n in scopes if k == "class"))
                elif outer is None and scopes[-1][0] in ("function", "table"):
                    first = first or scopes[-1]
                outer = next(((k, n) for k, n in scopes if k in ("function", "table")), None)
                head = ""
            elif char == "}":
                last = scopes[-1] if scopes and scopes[-1][0] == "function" else None
                scopes = scopes[:-1]
                first = first or outer
                outer = next(((k, n) for k, n in scopes if k in ("function", "table")), None)
                head = ""
            elif char == ";" and outer is None:
                first = first or declaration(head, scopes)
                head = ""
            elif outer is None:
                head += char
        if outer is None and last and re.match(r"\s*,", head):
            first = first or last
        if outer is None:
            head = re.sub(r"\b(public|private|protected):", "", head) + " "
        found.append(outer or first)
    return following(found)


def declaration(head, scopes):
    """What a declaration without a body declares."""
    classes = [name for k, name in scopes if k == "class"]
    name = signature(head, classes)
    if name:
        return ("function", name)
    words = re.findall(r"\w+", head.split("=")[0])
    return ("member", "::".join([*classes, words[-1]])) if words else None


def following(found):
    """Lines of a head that goes on belong to what it begins."""
    after = None
    for i in range(len(found) - 1, -1, -1):
        after = found[i] or after
        found[i] = after
    return found


def places(patch, read):
    """The places of a patch, sorted, as text; read(path) is a file's text after the patch."""
    result, added, new = set(), set(), new_classes(patch)
    for path, lines in changed_lines(patch).items():
        if not path.endswith((".h", ".cc", ".cu", ".cuh")):
            rows = [text.strip() for _, text in lines if is_code(text)]
            if path.endswith(".def"):  # a row may go on over several lines
                rows = [text.split(",")[0] for text in rows if text.startswith("SYSTOLE_")] or rows[:1]
            added |= {f"{path}: {row}" for row in rows}
            continue
        text = read(path).split("\n")
        owner = owners(text)
        for number, line in lines:
            if not is_code(line):
                continue
            kind, name = owner[min(number, len(owner)) - 1] or ("line", f"{path}:{number}")
            head = re.split(r"::|\(", name or "")[0]
            if head in new:
                result.add(f"class {head}")
            elif kind == "table":
                result |= {f"{path}: row of {name}: {line.strip()[:40]}"} if line.strip()[:1] == "{" else set()
            else:
                result.add(f"{kind} {name}")
    return sorted(result | added)


def new_classes(patch):
    """Classes whose definition the patch adds, those within classes aside."""
    return set(re.findall(r"^\+(?:class|struct) (\w+)[^;]*\{", patch, re.M))
