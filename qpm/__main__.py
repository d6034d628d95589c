"""`python -m qpm`, the same as the `qpm` command."""

from qpm.cli import app

if __name__ == "__main__":
    app(prog_name="qpm")
