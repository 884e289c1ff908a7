"""The command line ``convex-solver``."""

from convex_solver.cli.command import build_parser, main

__all__ = ["build_parser", "main"]
