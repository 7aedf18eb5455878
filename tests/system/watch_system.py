"""What operators watch with fits together: alert rules, their tests, their runbooks, the dashboard and docs/metrics.md.

usage: watch_system.py BIN_DIR      (BIN_DIR is not used: no program of ours takes part)
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
METRIC = re.compile(r"\bwatchbill_[a-z_]+")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def known_metrics():
    """Names by docs/metrics.md, which a unit test holds against the program; histograms with their series."""
    known = set()
    for name, kind in re.findall(r"^\| `(watchbill_[a-z_]+)[^`]*` \| (\w+) \|", read("docs/metrics.md"), re.M):
        known.add(name)
        if kind == "histogram":
            known |= {name + ending for ending in ("_bucket", "_sum", "_count")}
    return known


def alerts():
    return re.findall(r"^\s+- alert: (\w+)$", read("packaging/prometheus/alerts.yaml"), re.M)


class Watch(unittest.TestCase):
    def test_promtool_accepts_the_rules_and_their_tests(self):
        promtool = shutil.which("promtool")
        self.assertIsNotNone(promtool, "promtool is missing: apt-get install prometheus")
        folder = os.path.join(ROOT, "packaging/prometheus")
        for command in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")):
            done = subprocess.run([promtool, *command], cwd=folder, text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_alert_is_seen_firing_in_a_test(self):
        tests = read("packaging/prometheus/alerts_test.yaml")
        for alert in alerts():
            self.assertRegex(tests, rf'alertname(: |="){alert}\b', f"{alert} has no test")

    def test_every_alert_has_a_runbook_and_every_runbook_an_alert(self):
        rules = read("packaging/prometheus/alerts.yaml")
        runbooks = re.findall(r"runbook: /usr/share/doc/watchbill/operations\.md#(\S+)", rules)
        self.assertEqual(runbooks, [alert.lower() for alert in alerts()])
        told = re.findall(r"^### (\w+)$", read("docs/operations.md").split("## Runbooks")[1], re.M)
        self.assertEqual(sorted(told), sorted(alerts()))

    def test_every_metric_that_is_used_exists(self):
        known = known_metrics()
        self.assertGreater(len(known), 20)
        for name in ("packaging/prometheus/alerts.yaml", "packaging/prometheus/alerts_test.yaml", "packaging/grafana/watchbill.json"):
            used = set(METRIC.findall(read(name)))
            self.assertGreater(len(used), 5, name)
            self.assertEqual(used - known, set(), name)

    def test_the_dashboards_queries_are_queries(self):
        promtool = shutil.which("promtool")
        self.assertIsNotNone(promtool, "promtool is missing: apt-get install prometheus")
        board = json.loads(read("packaging/grafana/watchbill.json"))
        queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 10)
        rules = []
        for number, query in enumerate(queries):
            # Grafana puts times and names in the place of its variables.
            query = re.sub(r"\$__(rate_)?interval|\$__range", "5m", query)
            query = re.sub(r"\$\{?\w+\}?", "x", query)
            rules.append({"record": f"query_{number}", "expr": query})
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            done = subprocess.run([promtool, "check", "rules", file.name], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_labels_that_are_used_exist(self):
        labels = {name: set(re.findall(r"\w+", inside or "")) for name, inside in
                  re.findall(r"^\| `(watchbill_[a-z_]+)(?:\{([^}]*)\})?`", read("docs/metrics.md"), re.M)}
        outside = {"job", "instance", "le", "alertname", "severity", "__name__"}
        for name in ("packaging/prometheus/alerts.yaml", "packaging/grafana/watchbill.json"):
            for metric, inside in re.findall(r"\b(watchbill_[a-z_]+)\{([^}]*)\}", read(name)):
                known = labels.get(re.sub(r"_(bucket|sum|count)$", "", metric), set()) | outside
                for label in re.findall(r"(\w+)\s*[=!]~?", inside):
                    self.assertIn(label, known, f"{name}: {metric}")

    def test_the_dashboard_can_be_imported(self):
        board = json.loads(read("packaging/grafana/watchbill.json"))
        self.assertIsNone(board["id"])
        panels = [p for p in board["panels"] if p["type"] != "row"]
        self.assertEqual(len({p["id"] for p in board["panels"]}), len(board["panels"]))
        taken = set()
        for panel in panels:
            self.assertTrue(panel["title"])
            self.assertTrue(all(target["expr"] for target in panel["targets"]), panel["title"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} lies over another one")
            taken |= cells


if __name__ == "__main__":
    unittest.main(argv=["watch_system.py"])
