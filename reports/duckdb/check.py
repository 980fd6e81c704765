#!/usr/bin/env python3
"""Runs the queries of reports/duckdb.md on a run folder: each must give rows, and the columns that
the page shows. `check.py --write FOLDER` writes what they give into the page.

Needs `pip install duckdb`. FOLDER is what `parallax sim` has left; left out: target/parallax."""

import pathlib
import re
import sys

import duckdb

PAGE = pathlib.Path(__file__).resolve().parent.parent / "duckdb.md"
QUERY = re.compile(r"```sql( setup)?\n(.*?)```(?:\n```text\n(.*?)```)?", re.S)


def table(columns, rows):
    rows = [columns] + [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def main():
    words = [word for word in sys.argv[1:] if word != "--write"]
    write = "--write" in sys.argv[1:]
    folder = words[0] if words else "target/parallax"
    page = PAGE.read_text()
    base = duckdb.connect()
    ran = 0

    def run(match):
        nonlocal ran
        setup, query, shown = match.groups()
        result = base.execute(query.replace("target/parallax", folder.replace("'", "''")))
        if setup:
            return match.group(0)
        columns = [column[0] for column in result.description]
        text = table(columns, result.fetchall())
        if text.count("\n") < 2:
            sys.exit(f"failed to check {PAGE}: no row comes of\n{query}")
        if not write and shown.split("\n")[0].split() != columns:
            sys.exit(f"failed to check {PAGE}: it does not show {columns}: run check.py --write")
        ran += 1
        return f"```sql\n{query}```\n```text\n{text}```"

    written = QUERY.sub(run, page)
    if write:
        PAGE.write_text(written)
    if ran < 5:
        sys.exit(f"failed to check {PAGE}: it has {ran} queries, and should have 5 at least")
    print(f"{ran} queries ran")


main()
