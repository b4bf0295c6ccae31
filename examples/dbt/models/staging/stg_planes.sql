select tailnum, year as built, seats from {{ source('files', 'planes') }}
