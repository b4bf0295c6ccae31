-- REFERENCES: the value occurs in a column of another relation. NULL fails.

-- good
{column} IN (SELECT {referenced} FROM {table})
