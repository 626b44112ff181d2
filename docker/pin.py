"""Writes docker/*/requirements.txt: every package by version and hash.

The wanted packages are the comment's `wants` line of each file; the rest is what pip resolves
for CPython 3.11 on x86-64 Linux, the images' own. A line `has` names packages that the image below
holds already. Files without `wants` are written by hand.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(5, 37)]


def pin(path: pathlib.Path) -> None:
    notes = [line for line in path.read_text().splitlines() if line.startswith("# ")]
    wants, has = words(notes, "# wants: "), words(notes, "# has: ")
    if not wants:
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"]
    command += ["--ignore-installed", "--only-binary=:all:", "--python-version", "3.11"]
    command += ["--implementation", "cp", "--target", "/nonexistent"]
    for platform in [*PLATFORMS, "manylinux2014_x86_64", "manylinux1_x86_64"]:
        command += ["--platform", platform]
    report = json.loads(
        subprocess.run([*command, *wants], check=True, stdout=subprocess.PIPE).stdout
    )
    made = "# Made by `make requirements`: CPython 3.11, x86-64."
    lines = [*(line for line in notes if line != made), made]
    for package in sorted(report["install"], key=lambda p: p["metadata"]["name"].lower()):
        name, version = package["metadata"]["name"].lower(), package["metadata"]["version"]
        if name in has:
            continue
        digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{name}=={version} --hash=sha256:{digest}")
    path.write_text("\n".join(lines) + "\n")


def words(notes: list[str], start: str) -> list[str]:
    return [word for line in notes if line.startswith(start) for word in line.split()[2:]]


for requirements in sorted(HERE.glob("*/requirements.txt")):
    print("pin", requirements)
    pin(requirements)
