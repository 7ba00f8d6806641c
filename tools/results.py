"""Keep the results of a run in results/, and compare the numbers in the documentation with them.

python -m tools.results store results/t91              # after a run of presets/t91.yaml
python -m tools.results store results/t91-short/seed2  # a run with any settings: its scores
python -m tools.results tables                         # write the tables of README.md and docs/
python -m tools.results check                          # only name those that differ (make results)
"""

import argparse
import sys
from pathlib import Path

from srcnn.errors import InputError
from srcnn.utils.system import escape_output
from tools.result_regions import find_differences, update_pages
from tools.store_results import store


def main() -> None:
    """Read the command line, do what it says, and exit; an error becomes one line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.results",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    storing = verbs.add_parser("store", help="copy the results of the finished run")
    storing.add_argument(
        "folder",
        type=Path,
        help="results/NAME, for a run of presets/NAME.yaml; results/NAME/RUN for any other",
    )
    verbs.add_parser("tables", help="write the tables of README.md and docs/ again")
    verbs.add_parser("check", help="name the tables that differ from the results")
    arguments = parser.parse_args()
    escape_output()
    try:
        if arguments.verb == "store":
            print(store(Path(), arguments.folder))
        elif arguments.verb == "tables":
            print("\n".join(f"{page}: written" for page in update_pages(Path())) or "no changes")
        elif differences := list(find_differences(Path())):
            print("\n".join(differences))
            sys.exit(1)
        else:
            print("README.md and docs/ agree with the results")
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
