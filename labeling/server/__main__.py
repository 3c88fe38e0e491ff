"""``python -m labeling.server``: see ``launch``."""

import argparse
import sys
from pathlib import Path

from labeling.server.launch import launch
from models.errors import QuandaryError


def main() -> int:
    """Read the command line and serve; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labeling.server", description="Serve Argilla on 127.0.0.1.")
    parser.add_argument("--home", type=Path, required=True, help="folder of its database and login")
    parser.add_argument("--port", type=int, default=6900, help="port to listen on; 0 takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input closes")
    options = parser.parse_args()
    try:
        launch(home=options.home.resolve(), port=options.port, with_parent=options.with_parent)
    except QuandaryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
