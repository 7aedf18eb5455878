"""The documents hold what the programs say: every error text has its row in docs/troubleshooting.md, and links lead somewhere.

usage: docs_system.py BIN_DIR      (BIN_DIR is not used: the sources are read)
"""

import glob
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = "base net core store providers slack config engine control slack_app daemon cli".split()
# Tools for those who build Watchbill; they are not installed.
NOT_SHIPPED = {"cli/docs_main.cpp", "cli/manual/reference.cpp"}
# The text of an error: of `fail(KIND, "…")`, an adapter's `make(ErrorKind::…, "…")`, a message put together, a line of the log,
# and what a main program prints. Of `complain(…)`, which lists mistakes of a file, the sentences.
LITERALS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
ERRORS = re.compile(r"(?:\busage\(|\bfail\([^,\"()]*,|\bmake\(\s*ErrorKind::\w+\s*,|\bmessage = fmt::format\(|spdlog::(?:error|warn)\(|"
                    r"fmt::print\(stderr,|std::cerr <<)\s*" + LITERALS)
COMPLAINTS = re.compile(r'\bcomplain\(((?:[^;"]|"(?:[^"\\]|\\.)*")*)\);')


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def shown(template):
    """As a reader sees it: placeholders are dots. Nothing of templates that only pass on another message."""
    text = re.sub(r"\{[^{}]*\}", "…", template.replace('\\"', '"').replace("\\n", " ").strip())
    return text if re.search(r"[A-Za-z]{3}", text) else None


def messages():
    found = {}
    for folder in FOLDERS:
        for path in sorted(glob.glob(os.path.join(ROOT, folder, "**", "*.[ch]pp"), recursive=True)):
            name = os.path.relpath(path, ROOT)
            if name in NOT_SHIPPED:
                continue
            source = read(name)
            sentences = ERRORS.findall(source) + [literals for body in COMPLAINTS.findall(source)
                                                  for literals in re.findall(LITERALS, body) if " " in literals.strip()]
            for literals in sentences:
                text = shown("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)))
                if text:
                    found[text] = name
    return found


def rows():
    """The messages that docs/troubleshooting.md explains, with cause and fix."""
    explained = {}
    for line in read("docs/troubleshooting.md").splitlines():
        cells = [cell.replace("\\|", "|").replace("\\*", "*").replace("&lt;", "<").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 3 and cells[0] not in ("message", "code", "---"):
            explained[cells[0]] = cells[1:]
    return explained


def anchors(name):
    """What a link into a document may end with."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", read(name), re.M)}


class Docs(unittest.TestCase):
    def test_every_error_text_is_explained(self):
        known, said = rows(), messages()
        self.assertGreater(len(said), 250)
        missing = [f"{name}: {text}" for text, name in said.items() if text not in known]
        self.assertEqual(missing, [], "docs/troubleshooting.md lacks these")

    def test_every_code_of_slack_is_explained(self):
        codes = re.findall(r'\{"(\w+)", \w+,', read("slack/api/codes.cpp"))
        self.assertGreater(len(codes), 50)
        self.assertEqual([code for code in codes if f"`{code}`" not in rows()], [])

    def test_what_is_explained_is_said_and_has_cause_and_fix(self):
        said = set(messages()) | {f"`{code}`" for code in re.findall(r'\{"(\w+)", \w+,', read("slack/api/codes.cpp"))}
        for text, (cause, fix) in rows().items():
            self.assertIn(text, said, "no program says this any more")
            self.assertTrue(cause and fix, text)

    def test_what_is_promised_of_security_names_its_tests(self):
        sources = "".join(read(os.path.relpath(path, ROOT)) for folder in ("unit", "integration")
                          for path in glob.glob(os.path.join(ROOT, "tests", folder, "**", "*.cpp"), recursive=True))
        cases = set(re.findall(r'TEST_CASE\(\s*"((?:[^"\\]|\\.)*)"', sources))
        functions = set()
        for path in glob.glob(os.path.join(ROOT, "tests", "system", "*.py")):
            functions |= set(re.findall(r"def (test_\w+)", read(os.path.relpath(path, ROOT))))
        for name in ("docs/security.md", "docs/hardening.md"):
            section = read(name).partition("## Where this is tested\n")[2].partition("\n## ")[0]
            promises = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| ")][1:]
            self.assertGreater(len(promises), 6, name)
            for what, tests in promises:
                for test in tests.strip().split("; "):
                    self.assertTrue(test in (functions if test.startswith("test_") else cases), f"{name}: {what}: {test}")

    def test_options_that_operators_are_told_exist(self):
        known = set(re.findall(r"--[a-z-]+", read("docs/cli.md") + read("config/daemon_options.hpp")))
        known |= {"--" + name for name in re.findall(r'Option\{[^,]*, "([a-z-]+)"', read("config/daemon_options.hpp"))}
        for name in ("alerts", "backup", "hardening", "install", "operations", "sizing", "troubleshooting", "upgrade"):
            for command in re.findall(r"watchbilld? [^`\n]*", read(f"docs/{name}.md")):
                for option in re.findall(r"(?<![\w-])--[a-z-]+", command):
                    # systemctl's, in the same line
                    if option not in ("--now", "--pipe"):
                        self.assertIn(option, known, f"docs/{name}.md: {command}")

    def test_links_between_the_documents_lead_somewhere(self):
        for folder in ("", "docs", "docs/providers", "docs/decisions"):
            for path in glob.glob(os.path.join(ROOT, folder, "*.md")):
                name = os.path.relpath(path, ROOT)
                # What stands between backticks is code.
                text = re.sub(r"```.*?```|`[^`\n]*`", "", read(name), flags=re.S)
                for target in re.findall(r"\]\(([^)\s]+)\)", text):
                    if re.match(r"[a-z]+:", target):
                        continue
                    where, _, anchor = target.partition("#")
                    full = os.path.normpath(os.path.join(os.path.dirname(name), where)) if where else name
                    self.assertTrue(os.path.exists(os.path.join(ROOT, full)), f"{name}: {target}")
                    if anchor and full.endswith(".md"):
                        self.assertIn(anchor, anchors(full), f"{name}: {target}")


if __name__ == "__main__":
    unittest.main(argv=["docs_system.py"])
