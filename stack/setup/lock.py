"""`make lock`: pins the whole environment of a checkout, with hashes, in `requirements.lock`.

What is pinned there stays as long as pyproject.toml allows it; delete the file first to have everything renewed.
"""

import subprocess
import sys
import tomllib
from typing import Any

from stack.caches import CHECKOUT

LOCK = CHECKOUT / "requirements.lock"
PROJECT = CHECKOUT / "pyproject.toml"
OPTIONS = (
    "--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-annotate", "--no-header",
    "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links", "--no-emit-options",
)  # fmt: skip


def requirements() -> list[str]:
    """What a checkout needs: the product with its extras, the dependency groups, and what builds the two projects."""
    project: dict[str, Any] = tomllib.loads(PROJECT.read_text(encoding="utf-8"))
    groups = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    return sorted({*wanted, *(one for group in groups for one in group)})


def main() -> int:
    """Writes the lock by pip-tools; returns its exit code."""
    command = [
        sys.executable,
        "-m",
        "piptools",
        "compile",
        "--quiet",
        *OPTIONS,
        "--output-file",
        str(LOCK),
        "-",
    ]
    return subprocess.run(command, input="\n".join(requirements()), text=True, cwd=CHECKOUT).returncode


if __name__ == "__main__":
    sys.exit(main())
