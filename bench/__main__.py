"""All benchmarks, one after the other: `make bench`. One of them: `python -m bench.first_load --help`."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

HELPERS = frozenset({"__main__", "loaders", "table_api"})


def main() -> None:
    for module in sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if module not in HELPERS:
            print(f"\n== {module}\n", flush=True)
            importlib.import_module(f"bench.{module}").main()


if __name__ == "__main__":
    main()
