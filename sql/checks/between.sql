-- BETWEEN: the value is between the bounds or one of them. NULL fails.

-- good
{column} BETWEEN ({low}) AND ({high})
