"""Holds the sources against the table of folders in docs/architecture.md ("Where things are"): every #include goes to a
folder that the table allows, CMake links what the table says, nothing goes in a circle, libraries of others are included
only where the table's folder wraps them, tests name nothing that one of the two versions of Catch2 lacks, no class has the name of another folder's class, and a vendor of a scheduling
system is named in its folder, the list of adapters and the configuration's keys alone.
Usage: structure_system.py"""

import os
import re
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

# Headers of other projects that one folder wraps (the sandbox is an independent program with wrappers of its own).
WRAPPED = {
    r"rapidjson/": {"base"},
    r"curl/": {"net"},
    r"(event2/|event\.h)": {"net", "sandbox"},
    r"wslay/": {"net", "sandbox"},
    r"sqlite3\.h": {"store"},
    r"yaml-cpp/": {"config", "cli", "sandbox"},
    r"prometheus/": {"daemon"},
    r"cctz/": {"sandbox"},
}

# Where vendors of scheduling systems are named beside their folders in providers/; comments may name them everywhere.
NAMES_VENDORS = ("sandbox/", "tests/", "providers/adapters.", "config/keys.cpp")
# A vendor that leaves names the one where its users go.
SUCCESSORS = {"opsgenie": "jsm"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.cpp", "*.hpp"], check=True, capture_output=True, text=True)
    return listed.stdout.split()


def table():
    """{folder: {folders that it may use}}"""
    section = read("docs/architecture.md").split("## Where things are")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)/` \| .* \| ([^|]*) \|$", section, re.M)
    folders = {name for name, _ in rows}
    return {name: {word for word in re.findall(r"\w+", uses) if word in folders} for name, uses in rows}


def includes(uses, files):
    wrong = []
    # A main puts together what its library does not know of.
    programs = dict(re.findall(r"^watchbill_program\(\S+ (\S+) ([^)]*)\)", read("CMakeLists.txt"), re.M))
    for path in files:
        folder = path.split("/")[0]
        if folder not in uses:
            continue
        allowed = {folder} | uses[folder] | set(programs.get(path, "").split())
        for kind, header in re.findall(r'^#include (["<])([^">]+)[">]', read(path), re.M):
            target = header.split("/")[0]
            if kind == '"' and target not in allowed:
                wrong.append(f"{path}: includes {header}, but {folder}/ may not use {target}/")
            for pattern, owners in WRAPPED.items():
                if kind == "<" and re.match(pattern, header) and folder not in owners:
                    wrong.append(f"{path}: includes <{header}>, which only {', '.join(sorted(owners))} may")
    return wrong


def links(uses):
    """What CMake links is what the table allows: a use that is not linked does not build, one that is not allowed would."""
    linked = dict(re.findall(r"^watchbill_library\((\w+)([^)]*)\)", read("CMakeLists.txt"), re.M))
    wrong = [f"CMakeLists.txt: no library for {folder}/" for folder in uses if folder not in linked]
    for folder, libraries in linked.items():
        names = {word for word in libraries.split() if word in uses}
        if names != uses.get(folder, set()):
            wrong.append(f"CMakeLists.txt: {folder} links {sorted(names)}, the table says {sorted(uses.get(folder, []))}")
    return wrong


def circles(uses):
    wrong, order = [], []
    left = {folder: set(others) for folder, others in uses.items()}
    while left:
        free = sorted(folder for folder, others in left.items() if not others & left.keys())
        if not free:
            return [f"the table goes in a circle: {', '.join(sorted(left))}"]
        order += free
        for folder in free:
            del left[folder]
    return wrong


def class_names(files):
    """Names that stand in two folders (of what headers declare). The sandbox reads the outside world on its own and has its
    words; a class that is only declared in advance is not counted."""
    where = {}
    for path in files:
        folder = path.split("/")[0]
        if not path.endswith(".hpp") or folder in ("tests", "sandbox"):
            continue
        room = "/".join(path.split("/")[:2]) if folder == "providers" and path.count("/") > 1 else folder
        for name in re.findall(r"^(?:class|struct|enum class|enum) (\w+)(?: final)?(?:\s*:[^:;{][^;{]*)?\s*\{", read(path), re.M):
            where.setdefault(name, {}).setdefault(room, path)
    return [f"{name} is the name of a class in {' and in '.join(sorted(rooms.values()))}"
            for name, rooms in sorted(where.items()) if len(rooms) > 1]


def without_comments(code):
    """Blank in their place, so that lines keep their numbers. Literals stay."""
    token = r'R"(?P<end>[^(\s]*)\(.*?\)(?P=end)"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/'
    return re.sub(token, lambda found: found[0] if found[0][0] in "R\"'" else "\n" * found[0].count("\n"), code, flags=re.S)


def vendors(files):
    names = sorted({path.split("/")[1] for path in files if path.startswith("providers/") and path.count("/") > 1})
    if len(names) < 2:
        return ["providers/: the folders of the vendors could not be read"]
    wrong = []
    for path in files:
        own = path.split("/")[1] if path.startswith("providers/") else ""
        others = [name for name in names if name not in (own, SUCCESSORS.get(own))]
        if path.startswith(NAMES_VENDORS):
            continue
        for number, line in enumerate(without_comments(read(path)).splitlines(), 1):
            for name in others:
                if name in line.lower():
                    wrong.append(f"{path}:{number}: names {name}, which only its adapter may: {line.strip()}")
    return wrong


def catch_names(files):
    """Debian 12 has Catch2 2, Debian 13 has 3: one header has what both understand."""
    header, wrong = "tests/support/catch.hpp", []
    old = r"Catch::(?:Matchers::)?Contains\b|Catch::(?:StartsWith|EndsWith|Equals|VectorContains)\b|(?<![\w:])Approx\("
    for path in files:
        if not path.startswith("tests/") or path == header:
            continue
        for number, line in enumerate(without_comments(read(path)).splitlines(), 1):
            if "<catch2/" in line:
                wrong.append(f"{path}:{number}: Catch2 comes from {header}")
            elif found := re.search(old, line):
                wrong.append(f"{path}:{number}: {found[0]} is version 2's; Catch2 3's names are Catch::Approx, "
                             "Catch::Matchers::ContainsSubstring, Catch::Matchers::StartsWith")
    return wrong


def main():
    uses, files = table(), sources()
    wrong = circles(uses) + links(uses) + includes(uses, files) + class_names(files) + vendors(files)
    wrong += catch_names(files)
    for line in wrong:
        print(line)
    if len(uses) < 10 or not files:
        wrong.append("the table or the sources could not be read")
    print(f"{len(files)} sources, {len(uses)} folders: " + (f"{len(wrong)} faults" if wrong else "ok"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
