"""The edge to files and to a terminal: tables, new files, reports.

`read_table` and both command lines read CSV in the forms in which it comes (commas,
semicolons, tabs, pipes, blanks; quotes; ``#`` above the first row; gzip; UTF-16 with
its mark), npy and npz, and say which columns they use.  What could be read in two ways
is not guessed: names that are numbers (0, 1, 2, ... as pandas writes them, years), a
first column without a name (row numbers of pandas and R), decimal commas, two
possible separators end in one line that names the option which decides:

==============================  =====================================================
``--header``, ``--no-header``   whether the first line holds names
``--separator MARK``            one character, or ``comma``, ``semicolon``, ``tab``,
                                ``pipe``, ``space`` (any run of blanks)
``--decimal MARK``              ``.`` or ``,``
``--index NAME``                the column that numbers or names the rows; ``none`` if
                                the first column is data though it has no name
``--missing drop``              leave out rows with missing values, which are refused
                                otherwise, with line and column
==============================  =====================================================

``-`` is standard input, and for text that is written standard output.  What is written
is what the ending of its name says, or refused with the endings that are known; a file
of another kind in the place of a table is told by its name (`kind_of`).
"""

from arrangement.io.archives import open_archive
from arrangement.io.bit_rows import (
    bit_lines,
    bit_names,
    holds_bit_rows,
    read_bit_rows,
)
from arrangement.io.files import check_new_file, new_file, write_new
from arrangement.io.html import html_facts, html_table
from arrangement.io.interrupts import heard_once, held_interrupts
from arrangement.io.kinds import Kind, kind_of, kind_of_path
from arrangement.io.pictures import (
    BLUE,
    GREEN,
    GREY,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    VERMILION,
    axes_for,
    dress,
    few_ticks,
    finish,
    plain_text,
)
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
    add_jobs,
    add_table_options,
    against_bound,
    check_jobs,
    check_output,
    check_stdout,
    check_time_limit,
    column_list,
    command_line,
    names_text,
    open_table,
    output_path,
    print_json,
    print_report,
    progress_bar,
    run,
    say_compiling,
    say_exit_codes,
    seconds_text,
    table_options,
    table_words,
    with_values,
)

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "GRID",
    "INK",
    "ORANGE",
    "PURPLE",
    "VERMILION",
    "Bar",
    "Kind",
    "Parser",
    "ProgressLike",
    "Table",
    "UsageError",
    "add_jobs",
    "add_table_options",
    "against_bound",
    "axes_for",
    "bit_lines",
    "bit_names",
    "check_jobs",
    "check_new_file",
    "check_output",
    "check_stdout",
    "check_time_limit",
    "column_list",
    "command_line",
    "dress",
    "few_ticks",
    "finish",
    "heard_once",
    "held_interrupts",
    "holds_bit_rows",
    "html_facts",
    "html_table",
    "kind_of",
    "kind_of_path",
    "listener",
    "listening",
    "names_text",
    "new_file",
    "open_archive",
    "open_table",
    "output_path",
    "parse_json",
    "plain_text",
    "print_json",
    "print_report",
    "progress_bar",
    "read_bit_rows",
    "read_table",
    "run",
    "say_compiling",
    "say_exit_codes",
    "seconds_text",
    "shown",
    "shows_progress",
    "table_options",
    "table_words",
    "with_ones",
    "with_values",
    "write_new",
]
