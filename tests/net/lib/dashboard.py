"""dashboard.py FILE URL: what Grafana would stumble over in a dashboard, as far as that shows
without one, and what the Prometheus whose API is at URL says to each of its expressions. Prints a
line for each fault, and `nothing: TITLE' for a panel of which no expression has data."""
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

COLUMNS = 24
# What Grafana puts in the place of a variable when everything is chosen; the interval is longer
# than a story, so that what passed at its beginning counts.
CHOSEN = {"$instance": ".*", "$rule": ".*", "$__rate_interval": "5m"}
TYPES = {"stat", "timeseries", "heatmap", "table", "gauge", "row", "text"}


def faults_of_panel(panel, taken):
    """Of its place, its type and its source; `taken' has the cells of the panels before."""
    at = panel["gridPos"]
    title = panel["title"]
    if panel["type"] not in TYPES:
        yield f"{title}: no type of panel: {panel['type']}"
    if at["x"] < 0 or at["w"] < 1 or at["h"] < 1 or at["x"] + at["w"] > COLUMNS:
        yield f"{title}: wider than the page"
    for x in range(at["x"], at["x"] + at["w"]):
        for y in range(at["y"], at["y"] + at["h"]):
            if taken.setdefault((x, y), title) != title:
                yield f"{title}: lies on {taken[x, y]}"
                return


def faults_of(board):
    """Of all that does not need a Prometheus."""
    for name, kind in (("title", str), ("uid", str), ("schemaVersion", int), ("panels", list)):
        if not isinstance(board.get(name), kind):
            yield f"{name}: expected {kind.__name__}"
    if board["schemaVersion"] < 36:
        yield "schemaVersion: sources are objects from 36 on"
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    if variables["datasource"]["type"] != "datasource":
        yield "datasource: no variable of that type"
    taken = {}
    ids = [panel["id"] for panel in board["panels"]]
    if len(set(ids)) != len(ids):
        yield "two panels have one id"
    sourced = board["panels"] + [v for v in variables.values() if v["type"] == "query"]
    for one in sourced:
        if one["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"{one.get('title', one.get('name'))}: its source is not the variable"
    for panel in board["panels"]:
        yield from faults_of_panel(panel, taken)
        refs = [target["refId"] for target in panel["targets"]]
        if len(set(refs)) != len(refs):
            yield f"{panel['title']}: two expressions have one refId"


def answer(url, path, **query):
    """Prometheus's answer, also when it is an error."""
    try:
        with urllib.request.urlopen(f"{url}/{path}?{urllib.parse.urlencode(query)}") as got:
            return json.load(got)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def look(board, url):
    """Asks each expression."""
    for panel in board["panels"]:
        rows = 0
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in CHOSEN.items():
                expression = expression.replace(name, value)
            if "$" in expression:
                yield f"{panel['title']}: a variable that nobody fills in: {expression}"
            got = answer(url, "query", query=expression)
            if got["status"] != "success":
                yield f"{panel['title']}: {got['error']}"
                continue
            rows += len(got["data"]["result"])
        if rows == 0:
            yield f"nothing: {panel['title']}"
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            metric, label = variable["query"].removeprefix("label_values(")[:-1].rsplit(", ", 1)
            metric = metric.replace("$instance", ".*")
            got = answer(url, f"label/{label}/values", **{"match[]": metric})
            if not got.get("data"):
                yield f"{variable['name']}: no values: {got.get('error', 'none')}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        board = json.load(file)
    for line in [*faults_of(board), *look(board, sys.argv[2])]:
        print(line)


main()
