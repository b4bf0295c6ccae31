-- NOT NULL: each of the columns has a value.

-- good
{column} IS NOT NULL
