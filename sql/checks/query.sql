-- AS: rows that the query returns are failures. Under the checked relation's name it finds the rows to check.

-- summary
{with}SELECT (SELECT count(*) FROM ({query}) AS failing) AS failures,
       (SELECT count(*) FROM {rows}) AS total,
       CAST(NULL AS double precision) AS value

-- sample
{with}SELECT * FROM ({query}) AS failing
