//! Where a SELECT here does not do what PostgreSQL does, and why.

/// What differs, and the reason or the way around.
pub const ALL: &[(&str, &str)] = &[
    (
        "`numeric` without digits has 38, 10 of them after the point; a value keeps more while it is computed with. No \
         `NaN`, no infinity; a quotient has 16 digits after the point. Beyond that is 22003",
        "numbers are held in 128 bits, as in Parquet",
    ),
    (
        "`power`, `exp`, `ln`, `log`, `sqrt`, `stddev` and `variance` of a `numeric` are doubles; `factorial` and `lcm` are \
         `bigint`",
        "cast the answer: `round(stddev(x)::numeric, 4)`",
    ),
    (
        "`timestamp(n)`, `time(n)` and `interval(n)` round in a cast; a column of such a type keeps all six digits",
        "Arrow's times have no such length",
    ),
    (
        "`GROUP BY`, `DISTINCT`, `min` and `max` tell intervals apart that are as long (`1 mon`, `30 days`); `=`, `<` and `ORDER BY` do not",
        "say `extract(epoch FROM i)`",
    ),
    (
        "text is ordered by its bytes, as by `COLLATE \"C\"`, whatever the locale",
        "one order for every file and every engine that reads it",
    ),
    ("regular expressions have no back references and no look-around", "they take time linear in the text"),
    (
        "`json` is shown without the blanks it was written with once a part was taken out, and its numbers lose zeros at the end",
        "cast it to `jsonb`, or keep the text",
    ),
    ("`jsonb_path_query` and the operators `@?` and `@@` do not exist", "`->`, `#>`, `@>` and `jsonb_array_elements`"),
    (
        "arrays have one lower bound, 1; those of several dimensions are arrays of arrays, and literals have one",
        "`ARRAY[[1,2],[3,4]]` has two",
    ),
    (
        "a function in FROM with LEFT JOIN takes `ON true` alone; `l.*` beside a NATURAL JOIN is refused",
        "`JOIN … USING (key)`",
    ),
    (
        "`FETCH … WITH TIES`, `TABLESAMPLE`, `SELECT … FOR UPDATE`, `EXCLUDE` in a window's frame, bit strings are refused (0A000 or 42601)",
        "`rank()` in a subquery, `random() < 0.1`",
    ),
    (
        "`any_value`, `max(boolean)`, and functions of text given a number (`length(1)`) answer where PostgreSQL 15 has no such function",
        "DataFusion's are wider; later versions of PostgreSQL have some",
    ),
    ("an alias of a SELECT can stand in HAVING and inside an expression of ORDER BY", "DataFusion's are wider"),
    (
        "a set operation and `SELECT DISTINCT` without ORDER BY give rows in any order, also where PostgreSQL would sort them",
        "ORDER BY",
    ),
    ("`1_000` and `0x1f` are numbers, as in PostgreSQL 16", "PostgreSQL 15 refuses them"),
];
