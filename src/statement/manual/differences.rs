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
        "text is ordered by its bytes, as by `COLLATE \"C\"`, whatever the locale",
        "one order for every file and every engine that reads it",
    ),
    ("regular expressions have no back references and no look-around", "they take time linear in the text"),
    (
        "`json` is shown without the blanks it was written with once a part was taken out, and its numbers lose zeros at the end",
        "cast it to `jsonb`, or keep the text",
    ),
    (
        "numbers in `jsonb` are 64-bit integers or doubles, `1.50` is shown as `1.5`; a `jsonpath` is shown as it was written, and its `.datetime()` takes no template",
        "keep exact numbers in columns of their own",
    ),
    (
        "arrays have one lower bound, 1; a column of a table and a parameter have one dimension, and a slice cuts only the first",
        "`ARRAY[[1,2],[3,4]]` has two",
    ),
    (
        "a function in FROM with LEFT JOIN takes `ON true` alone; `l.*` beside a NATURAL JOIN is refused",
        "`JOIN … USING (key)`",
    ),
    (
        "`FETCH … WITH TIES`, `TABLESAMPLE`, `SELECT … FOR UPDATE`, `EXCLUDE` in a window's frame, a subquery as `LIMIT`, and the types `money`, `xml`, `tsvector`, `point` and their like are refused (0A000 or 42601)",
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
