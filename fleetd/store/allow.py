"""Which SQL somebody may run: one SELECT over the `fleet_*` views, with functions that read nothing else."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from fleetd.domain.errors import InvalidInput, NotPermitted
from fleetd.store.views import VIEWS

_VIEWS = frozenset(view.name for view in VIEWS)
# Names that sqlglot does not know as functions of its own, and that read nothing but their arguments.
_FUNCTIONS = frozenset(
    {"julianday", "unixepoch", "date", "datetime", "time", "strftime", "total", "printf", "instr", "date_bin", "to_char", "iif"}
)
# Known to sqlglot, and able to fill the memory, to wait, or to read elsewhere.
_HARMFUL = (exp.Repeat, exp.Pad, exp.GenerateSeries, exp.ReadCSV, exp.Space, exp.Lock, exp.Into, exp.Parameter, exp.SessionParameter)
LONGEST = 20_000


def checked(sql: str, dialect: str) -> str:
    """The statement as it may run, written anew from its parse.

    Args:
        dialect: sqlite or postgres.

    Raises:
        InvalidInput: it cannot be read.
        NotPermitted: it is more than one SELECT over the views.
    """
    if len(sql) > LONGEST:
        raise InvalidInput(f"a query may have {LONGEST} characters at most")
    try:
        statements = [statement for statement in sqlglot.parse(sql, dialect=dialect) if statement is not None]
    except (SqlglotError, RecursionError) as error:
        raise InvalidInput(
            f"this is no SQL that fleetd can read: {str(error).splitlines()[0] if str(error) else 'nested too deeply'}"
        ) from error
    if len(statements) != 1:
        raise NotPermitted("one statement at a time")
    statement = statements[0]
    if not isinstance(statement, exp.Query):
        raise NotPermitted("only SELECT is allowed")
    _check_tables(statement)
    _check_functions(statement)
    for parameter in list(statement.find_all(exp.Placeholder)):
        # As it was written: sqlglot would say it in a form that one driver or the other does not read.
        parameter.replace(exp.var(f":{parameter.name}"))
    return statement.sql(dialect=dialect)


def _check_tables(statement: exp.Query) -> None:
    named = {with_.alias.lower() for with_ in statement.find_all(exp.CTE)}
    for table in statement.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            raise NotPermitted("a function cannot stand where a view does")
        name = table.name.lower()
        if table.db or table.catalog or (name not in _VIEWS and name not in named):
            raise NotPermitted(f"{table.sql()} is no view of fleetd's; fleetd views lists them")
    if any(with_.args.get("recursive") for with_ in statement.find_all(exp.With)):
        raise NotPermitted("WITH RECURSIVE is not allowed")
    if next((alias for alias in named if alias in _VIEWS), None):
        raise NotPermitted("a WITH may not take a view's name")


def _check_functions(statement: exp.Query) -> None:
    for node in statement.walk():
        if isinstance(node, (exp.DML, exp.DDL, exp.Command)) and not isinstance(node, exp.Query):
            raise NotPermitted("only SELECT is allowed")
        if isinstance(node, _HARMFUL):
            raise NotPermitted(f"{type(node).__name__.upper()} is not allowed")
        if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)) and node.name.lower() not in _FUNCTIONS:
            raise NotPermitted(f"the function {node.name}() is not allowed")
