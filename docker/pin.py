"""Writes docker/*/requirements.txt: every package by version and hash.

The wanted packages are the comment's `wants` line of each file; the rest is what pip resolves
for CPython 3.11 on x86-64 Linux, the images' own. A line `only` says how the names of the packages
begin that are kept of them. A line `has` names packages that the image below holds already, a line
`without` those that nothing needs where the image is used, a line `on` the directories whose
packages are below, in the versions that they pin. Files without `wants` are written by hand.

With names of directories it pins these alone.
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
    has += words(notes, "# without: ")
    only = tuple(words(notes, "# only: ")) or ""
    below = {line for name in words(notes, "# on: ") for line in pinned(name)}
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
        digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
        line = f"{name}=={version} --hash=sha256:{digest}"
        if name in has or line in below or not name.startswith(only):
            continue
        if any(other.startswith(f"{name}==") for other in below):
            sys.exit(f"{path}: {name} {version} is below in another version: pin that one first")
        lines.append(line)
    path.write_text("\n".join(lines) + "\n")


def pinned(name: str) -> list[str]:
    lines = (HERE / name / "requirements.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def words(notes: list[str], start: str) -> list[str]:
    return [word for line in notes if line.startswith(start) for word in line.split()[2:]]


# In this order what is below comes first: cuda12, then jax, then jax-cuda and tensorflow-cuda.
for requirements in sorted(HERE.glob("*/requirements.txt")):
    if sys.argv[1:] and requirements.parent.name not in sys.argv[1:]:
        continue
    print("pin", requirements)
    pin(requirements)
