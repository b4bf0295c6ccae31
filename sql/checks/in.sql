-- IN: the value is one of those listed. NULL fails unless it is listed.

-- good
{column} IN ({values}) OR ({null_is_listed} AND {column} IS NULL)
