-- ROW COUNT: the number of rows compares as it should.

-- failures
CASE WHEN {count} {comparison} ({value}) THEN 0 ELSE 1 END

-- value
{count}
