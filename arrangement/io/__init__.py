"""The edge to files and to a terminal: tables, new files, reports."""

from arrangement.io.archives import open_archive
from arrangement.io.files import check_new_file, new_file, write_new
from arrangement.io.html import html_facts, html_table
from arrangement.io.progress import (
    Bar,
    ProgressLike,
    listener,
    listening,
    shows_progress,
)
from arrangement.io.strict_json import parse_json, shown
from arrangement.io.tables import Table, read_table, with_ones
from arrangement.io.terminal import (
    Parser,
    UsageError,
    add_table_options,
    against_bound,
    check_output,
    check_time_limit,
    column_list,
    command_line,
    names_text,
    open_table,
    print_json,
    print_report,
    progress_bar,
    run,
    say_compiling,
    seconds_text,
    table_options,
    table_words,
    with_values,
)

__all__ = [
    "Bar",
    "Parser",
    "ProgressLike",
    "Table",
    "UsageError",
    "add_table_options",
    "against_bound",
    "check_new_file",
    "check_output",
    "check_time_limit",
    "column_list",
    "command_line",
    "html_facts",
    "html_table",
    "listener",
    "listening",
    "names_text",
    "new_file",
    "open_archive",
    "open_table",
    "parse_json",
    "print_json",
    "print_report",
    "progress_bar",
    "read_table",
    "run",
    "say_compiling",
    "seconds_text",
    "shown",
    "shows_progress",
    "table_options",
    "table_words",
    "with_ones",
    "with_values",
    "write_new",
]
